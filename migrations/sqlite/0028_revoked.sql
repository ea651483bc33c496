create table if not exists fc_revoked (user_id blob primary key, at_us integer not null) strict;
