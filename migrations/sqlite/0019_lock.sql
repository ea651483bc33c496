create table if not exists fc_lock (name text primary key, holder blob not null, hb integer not null) strict;
