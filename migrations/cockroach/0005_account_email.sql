create unique index if not exists fc_account_email on fc_account (email);
