create table if not exists fc_schema (version integer primary key, applied_at_us integer not null) strict;
