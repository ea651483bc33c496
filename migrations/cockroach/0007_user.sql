create table if not exists fc_user (id uuid primary key, shard_id bigint not null, rev bigint not null, last_seq bigint not null, wake_at_us bigint null, snapshot bytea not null);
