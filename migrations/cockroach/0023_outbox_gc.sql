alter table fc_outbox configure zone using gc.ttlseconds = 600;
