create table if not exists fc_letter (to_shard bigint not null, letter_id bytea not null, body bytea not null, primary key (to_shard, letter_id));
