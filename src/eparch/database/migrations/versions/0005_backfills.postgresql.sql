CREATE TABLE backfill (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_group_id UUID NOT NULL,
    state TEXT COLLATE "C" DEFAULT 'Running' NOT NULL CONSTRAINT ck_backfill_state CHECK (state IN ('Running', 'Finished', 'Cancelled', 'Failed')),
    message TEXT COLLATE "C",
    range_start TIMESTAMP WITH TIME ZONE NOT NULL,
    range_end TIMESTAMP WITH TIME ZONE NOT NULL,
    direction TEXT COLLATE "C" DEFAULT 'forward' NOT NULL CONSTRAINT ck_backfill_direction CHECK (direction IN ('forward', 'backward')),
    concurrency INTEGER NOT NULL,
    parameters JSON NOT NULL,
    labels JSON,
    repeat_existing BOOLEAN NOT NULL,
    instant_count INTEGER NOT NULL,
    made_count INTEGER NOT NULL,
    skipped_count INTEGER NOT NULL,
    end_time TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_backfill PRIMARY KEY (id),
    CONSTRAINT fk_backfill_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_backfill_flow_group_id_flow_group FOREIGN KEY(flow_group_id) REFERENCES flow_group (id) ON DELETE CASCADE
);

CREATE INDEX ix_backfill_flow_group_id_created ON backfill (flow_group_id, created);

CREATE INDEX ix_backfill_running ON backfill (id) WHERE end_time IS NULL;

CREATE TABLE backfill_instant (
    backfill_id UUID NOT NULL,
    number INTEGER NOT NULL,
    scheduled_start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    parameters JSON NOT NULL,
    labels JSON,
    CONSTRAINT pk_backfill_instant PRIMARY KEY (backfill_id, number),
    CONSTRAINT fk_backfill_instant_backfill_id_backfill FOREIGN KEY(backfill_id) REFERENCES backfill (id) ON DELETE CASCADE
);

ALTER TABLE flow_run ADD COLUMN backfill_id UUID;

CREATE INDEX ix_flow_run_backfill ON flow_run (backfill_id, end_time) WHERE backfill_id IS NOT NULL;
