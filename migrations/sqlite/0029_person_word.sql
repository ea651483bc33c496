create table if not exists fc_person_word (user_id blob not null, word blob not null, gym_id blob not null, primary key (user_id, word)) strict, without rowid;
