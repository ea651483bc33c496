create table if not exists fc_lexicon (gym_id uuid primary key, body bytea not null, set_by uuid not null, at_us bigint not null);
