create table if not exists fc_revoked (user_id uuid primary key, at_us bigint not null);
