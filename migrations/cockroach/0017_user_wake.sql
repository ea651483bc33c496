create index if not exists fc_user_wake on fc_user (wake_at_us) where wake_at_us is not null;
