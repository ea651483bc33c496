create table if not exists fc_lock (name text primary key, holder uuid not null, hb bigint not null);
