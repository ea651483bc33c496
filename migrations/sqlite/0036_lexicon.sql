create table if not exists fc_lexicon (gym_id blob primary key, body blob not null, set_by blob not null, at_us integer not null) strict;
