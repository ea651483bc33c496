create unique index if not exists fc_letter_id on fc_letter (letter_id);
