create index if not exists fc_command_at on fc_command (at_us) using hash;
