create table if not exists fc_gym (gym_id blob primary key, name text not null) strict;
