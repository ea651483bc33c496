create table if not exists fc_room_event (room_id blob not null, seq integer not null, at_us integer not null, kind text not null, body blob not null, primary key (room_id, seq)) strict;
