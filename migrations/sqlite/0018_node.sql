create table if not exists fc_node (node_id blob primary key, incarnation blob not null, hb integer not null, addr text not null, state text not null, weight integer not null) strict;
