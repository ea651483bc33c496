create table if not exists fc_shard (shard_id bigint primary key, owner uuid null, epoch bigint not null);
