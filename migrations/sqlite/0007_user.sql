create table if not exists fc_user (id blob primary key, shard_id integer not null, rev integer not null, last_seq integer not null, wake_at_us integer null, snapshot blob not null) strict;
