create table if not exists fc_account (user_id uuid primary key, gym_id uuid not null, email text not null, name text not null, role text not null, hall text null, password text not null);
