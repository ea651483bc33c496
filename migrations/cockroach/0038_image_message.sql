create index if not exists fc_image_message on fc_image (room_id, seq) where seq is not null;
