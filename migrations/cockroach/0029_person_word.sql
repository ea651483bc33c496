create table if not exists fc_person_word (user_id uuid not null, word bytea not null, gym_id uuid not null, primary key (user_id, word));
