create table if not exists fc_letter (to_shard integer not null, letter_id blob not null, body blob not null, primary key (to_shard, letter_id)) strict, without rowid;
