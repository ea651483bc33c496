create index if not exists fc_image_until on fc_image (until_us) where until_us is not null;
