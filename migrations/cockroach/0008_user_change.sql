create table if not exists fc_user_change (user_id uuid not null, seq bigint not null, at_us bigint not null, kind text not null, body bytea not null, primary key (user_id, seq));
