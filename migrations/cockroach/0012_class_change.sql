create table if not exists fc_class_change (class_id uuid not null, seq bigint not null, at_us bigint not null, kind text not null, body bytea not null, primary key (class_id, seq));
