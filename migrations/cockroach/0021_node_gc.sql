alter table fc_node configure zone using gc.ttlseconds = 600;
