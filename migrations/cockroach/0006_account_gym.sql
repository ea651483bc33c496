create index if not exists fc_account_gym on fc_account (gym_id, email);
