ALTER TABLE flow_run_heartbeat ADD COLUMN missed_at VARCHAR(32);

ALTER TABLE task_run_heartbeat ADD COLUMN missed_at VARCHAR(32);
