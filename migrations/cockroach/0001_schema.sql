create table if not exists fc_schema (version bigint primary key, applied_at_us bigint not null);
