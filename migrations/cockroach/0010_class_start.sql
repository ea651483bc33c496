create index if not exists fc_class_start on fc_class (gym_id, starts_at_us, id);
