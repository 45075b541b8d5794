CREATE INDEX ix_flow_run_queue_labels ON flow_run (tenant_id, CAST(labels AS TEXT), state_start_time) WHERE state IN ('Paused', 'Queued', 'Resume', 'Retrying', 'Scheduled') AND held_by IS NULL;
