create table if not exists fc_gym (gym_id uuid primary key, name text not null);
