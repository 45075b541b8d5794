ALTER TABLE flow_run ADD COLUMN priority INTEGER DEFAULT 0 NOT NULL;

ALTER TABLE flow_run ADD COLUMN has_slots BOOLEAN;

ALTER TABLE task_run ADD COLUMN has_slots BOOLEAN;

CREATE TABLE flow_concurrency_limit (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    "limit" INTEGER NOT NULL,
    counts_submitted BOOLEAN NOT NULL,
    CONSTRAINT pk_flow_concurrency_limit PRIMARY KEY (id),
    CONSTRAINT uq_flow_concurrency_limit_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_flow_concurrency_limit_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE task_concurrency_limit (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    "limit" INTEGER NOT NULL,
    CONSTRAINT pk_task_concurrency_limit PRIMARY KEY (id),
    CONSTRAINT uq_task_concurrency_limit_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_task_concurrency_limit_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE flow_run_slot (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    limit_id UUID NOT NULL,
    flow_run_id UUID NOT NULL,
    CONSTRAINT pk_flow_run_slot PRIMARY KEY (id),
    CONSTRAINT uq_flow_run_slot_flow_run_id_limit_id UNIQUE (flow_run_id, limit_id),
    CONSTRAINT fk_flow_run_slot_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_slot_limit_id_flow_concurrency_limit FOREIGN KEY(limit_id) REFERENCES flow_concurrency_limit (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_slot_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_run_slot_limit_id ON flow_run_slot (limit_id);

CREATE TABLE task_run_slot (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    limit_id UUID NOT NULL,
    task_run_id UUID NOT NULL,
    CONSTRAINT pk_task_run_slot PRIMARY KEY (id),
    CONSTRAINT uq_task_run_slot_task_run_id_limit_id UNIQUE (task_run_id, limit_id),
    CONSTRAINT fk_task_run_slot_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_slot_limit_id_task_concurrency_limit FOREIGN KEY(limit_id) REFERENCES task_concurrency_limit (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_slot_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_slot_limit_id ON task_run_slot (limit_id);

CREATE TABLE flow_run_waiter (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    limit_id UUID NOT NULL,
    flow_run_id UUID NOT NULL,
    priority INTEGER NOT NULL,
    listens_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_flow_run_waiter PRIMARY KEY (id),
    CONSTRAINT uq_flow_run_waiter_flow_run_id UNIQUE (flow_run_id),
    CONSTRAINT fk_flow_run_waiter_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_waiter_limit_id_flow_concurrency_limit FOREIGN KEY(limit_id) REFERENCES flow_concurrency_limit (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_waiter_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_run_waiter_limit_id ON flow_run_waiter (limit_id);

CREATE INDEX ix_flow_run_waiter_line ON flow_run_waiter (limit_id, priority DESC, created, flow_run_id) WHERE listens_until IS NOT NULL;

CREATE TABLE task_run_waiter (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    limit_id UUID NOT NULL,
    task_run_id UUID NOT NULL,
    priority INTEGER NOT NULL,
    listens_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_task_run_waiter PRIMARY KEY (id),
    CONSTRAINT uq_task_run_waiter_task_run_id UNIQUE (task_run_id),
    CONSTRAINT fk_task_run_waiter_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_waiter_limit_id_task_concurrency_limit FOREIGN KEY(limit_id) REFERENCES task_concurrency_limit (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_waiter_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_waiter_limit_id ON task_run_waiter (limit_id);

CREATE INDEX ix_task_run_waiter_line ON task_run_waiter (limit_id, priority DESC, created, task_run_id) WHERE listens_until IS NOT NULL;
