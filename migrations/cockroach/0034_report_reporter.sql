create index if not exists fc_report_reporter on fc_report (reporter, at_us);
