create table if not exists fc_class_change (class_id blob not null, seq integer not null, at_us integer not null, kind text not null, body blob not null, primary key (class_id, seq)) strict;
