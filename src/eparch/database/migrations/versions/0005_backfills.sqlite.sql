CREATE TABLE backfill (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_group_id VARCHAR(36) NOT NULL,
    state TEXT DEFAULT 'Running' NOT NULL CONSTRAINT ck_backfill_state CHECK (state IN ('Running', 'Finished', 'Cancelled', 'Failed')),
    message TEXT,
    range_start VARCHAR(32) NOT NULL,
    range_end VARCHAR(32) NOT NULL,
    direction TEXT DEFAULT 'forward' NOT NULL CONSTRAINT ck_backfill_direction CHECK (direction IN ('forward', 'backward')),
    concurrency INTEGER NOT NULL,
    parameters TEXT NOT NULL,
    labels TEXT,
    repeat_existing BOOLEAN NOT NULL,
    instant_count INTEGER NOT NULL,
    made_count INTEGER NOT NULL,
    skipped_count INTEGER NOT NULL,
    end_time VARCHAR(32),
    CONSTRAINT pk_backfill PRIMARY KEY (id),
    CONSTRAINT fk_backfill_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_backfill_flow_group_id_flow_group FOREIGN KEY(flow_group_id) REFERENCES flow_group (id) ON DELETE CASCADE
);

CREATE INDEX ix_backfill_flow_group_id_created ON backfill (flow_group_id, created);

CREATE INDEX ix_backfill_running ON backfill (id) WHERE end_time IS NULL;

CREATE TABLE backfill_instant (
    backfill_id VARCHAR(36) NOT NULL,
    number INTEGER NOT NULL,
    scheduled_start_time VARCHAR(32) NOT NULL,
    parameters TEXT NOT NULL,
    labels TEXT,
    CONSTRAINT pk_backfill_instant PRIMARY KEY (backfill_id, number),
    CONSTRAINT fk_backfill_instant_backfill_id_backfill FOREIGN KEY(backfill_id) REFERENCES backfill (id) ON DELETE CASCADE
);

ALTER TABLE flow_run ADD COLUMN backfill_id VARCHAR(36);

CREATE INDEX ix_flow_run_backfill ON flow_run (backfill_id, end_time) WHERE backfill_id IS NOT NULL;
