create index if not exists fc_person_word_gym on fc_person_word (gym_id, word, user_id);
