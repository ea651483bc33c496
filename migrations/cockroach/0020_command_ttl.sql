alter table fc_command set (ttl_expiration_expression = '((at_us // 1000000 + 90000)::INT8)::TIMESTAMPTZ', ttl_job_cron = '@hourly');
