create index if not exists fc_class_wake on fc_class (wake_at_us) where wake_at_us is not null;
