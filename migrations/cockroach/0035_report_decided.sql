create index if not exists fc_report_decided on fc_report (decided_at_us) where decided_at_us is not null;
