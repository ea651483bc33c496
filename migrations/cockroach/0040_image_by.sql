create index if not exists fc_image_by on fc_image (by_user, at_us);
