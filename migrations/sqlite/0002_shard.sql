create table if not exists fc_shard (shard_id integer primary key, owner blob null, epoch integer not null) strict;
