create index if not exists fc_room_gym on fc_room (gym_id, kind, name, id);
