create index if not exists fc_report_queue on fc_report (gym_id, at_us, report_id) where decided_at_us is null;
