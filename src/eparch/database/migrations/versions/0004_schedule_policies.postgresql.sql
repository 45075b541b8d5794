ALTER TABLE flow_group ADD COLUMN misfire_policy TEXT COLLATE "C" DEFAULT 'skip' NOT NULL CONSTRAINT ck_flow_group_misfire_policy CHECK (misfire_policy IN ('skip', 'latest', 'all'));

ALTER TABLE flow_group ADD COLUMN overlap_policy TEXT COLLATE "C" DEFAULT 'allow' NOT NULL CONSTRAINT ck_flow_group_overlap_policy CHECK (overlap_policy IN ('allow', 'skip', 'queue', 'cancel_running'));

ALTER TABLE flow_group ADD COLUMN daylight_rule TEXT COLLATE "C" DEFAULT 'compatible' NOT NULL CONSTRAINT ck_flow_group_daylight_rule CHECK (daylight_rule IN ('compatible', 'strict'));

CREATE TABLE flow_schedule (
    flow_id UUID NOT NULL,
    made_until TIMESTAMP WITH TIME ZONE NOT NULL,
    due TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_flow_schedule PRIMARY KEY (flow_id),
    CONSTRAINT fk_flow_schedule_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_schedule_due ON flow_schedule (due);

ALTER TABLE flow_run ADD COLUMN held_by TEXT COLLATE "C";

DROP INDEX ix_flow_run_queue;

CREATE INDEX ix_flow_run_queue ON flow_run (tenant_id, state_start_time) WHERE state IN ('Paused', 'Queued', 'Resume', 'Retrying', 'Scheduled') AND held_by IS NULL;

CREATE INDEX ix_flow_run_held ON flow_run (state_start_time) WHERE state = 'Scheduled' AND held_by IS NOT NULL;

CREATE INDEX ix_flow_run_unfinished ON flow_run (flow_id, scheduled_start_time) WHERE end_time IS NULL;
