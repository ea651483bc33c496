create table if not exists hr_window (class_id blob not null, win integer not null, node integer not null, primary key (class_id, win, node)) strict, without rowid;
