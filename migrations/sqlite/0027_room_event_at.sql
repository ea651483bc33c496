create index if not exists fc_room_event_at on fc_room_event (room_id, at_us, seq);
