DROP INDEX ix_flow_run_tenant_id_scheduled_start_time;
CREATE INDEX ix_flow_run_tenant_id_scheduled_start_time_state ON flow_run (tenant_id, scheduled_start_time, state);
CREATE INDEX ix_log_flow_run_id_level_timestamp ON log (flow_run_id, level, timestamp);
