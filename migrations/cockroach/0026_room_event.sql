create table if not exists fc_room_event (room_id uuid not null, seq bigint not null, at_us bigint not null, kind text not null, body bytea not null, primary key (room_id, seq));
