create table if not exists fc_node (node_id uuid primary key, incarnation uuid not null, hb bigint not null, addr text not null, state text not null, weight bigint not null);
