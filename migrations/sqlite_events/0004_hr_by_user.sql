create table if not exists hr_by_user (user_id blob not null, t10 integer not null, class_id blob not null, samples blob not null, primary key (user_id, t10, class_id)) strict, without rowid;
