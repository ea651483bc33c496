create unique index if not exists fc_report_open on fc_report (room_id, seq, reporter) where decided_at_us is null and seq > 0;
