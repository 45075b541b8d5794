CREATE INDEX ix_log_severe ON log (flow_run_id, timestamp, level) WHERE level IN ('CRITICAL', 'ERROR', 'WARNING');
DROP INDEX ix_log_flow_run_id_level_timestamp;
