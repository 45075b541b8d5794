CREATE TABLE service_lease (
    name TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C",
    token BIGINT NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    steady_since TIMESTAMP WITH TIME ZONE NOT NULL,
    last_pass TIMESTAMP WITH TIME ZONE,
    counts JSON,
    last_error TEXT COLLATE "C",
    CONSTRAINT pk_service_lease PRIMARY KEY (name)
);

CREATE TABLE tenant (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    info JSON,
    settings JSON NOT NULL,
    CONSTRAINT pk_tenant PRIMARY KEY (id),
    CONSTRAINT uq_tenant_slug UNIQUE (slug)
);

CREATE TABLE agent_config (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT COLLATE "C",
    settings JSON NOT NULL,
    CONSTRAINT pk_agent_config PRIMARY KEY (id),
    CONSTRAINT fk_agent_config_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE INDEX ix_agent_config_tenant_id ON agent_config (tenant_id);

CREATE TABLE cloud_hook (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    version_group_id TEXT COLLATE "C",
    name TEXT COLLATE "C",
    type TEXT COLLATE "C" NOT NULL,
    states JSON,
    config JSON NOT NULL,
    active BOOLEAN NOT NULL,
    CONSTRAINT pk_cloud_hook PRIMARY KEY (id),
    CONSTRAINT fk_cloud_hook_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE INDEX ix_cloud_hook_tenant_id_version_group_id ON cloud_hook (tenant_id, version_group_id);

CREATE TABLE flow_group (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    labels JSON,
    schedule JSON,
    settings JSON NOT NULL,
    default_parameters JSON NOT NULL,
    run_config JSON,
    description TEXT COLLATE "C",
    CONSTRAINT pk_flow_group PRIMARY KEY (id),
    CONSTRAINT uq_flow_group_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_flow_group_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE message (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    read BOOLEAN NOT NULL,
    type TEXT COLLATE "C",
    text TEXT COLLATE "C",
    content JSON NOT NULL,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT fk_message_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE INDEX ix_message_tenant_id ON message (tenant_id);

CREATE TABLE project (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    CONSTRAINT pk_project PRIMARY KEY (id),
    CONSTRAINT uq_project_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_project_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE agent (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    agent_config_id UUID,
    name TEXT COLLATE "C",
    type TEXT COLLATE "C",
    core_version TEXT COLLATE "C",
    labels JSON NOT NULL,
    last_queried TIMESTAMP WITH TIME ZONE,
    fingerprint TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_agent PRIMARY KEY (id),
    CONSTRAINT uq_agent_tenant_id_fingerprint UNIQUE (tenant_id, fingerprint),
    CONSTRAINT fk_agent_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_agent_agent_config_id_agent_config FOREIGN KEY(agent_config_id) REFERENCES agent_config (id) ON DELETE SET NULL
);

CREATE INDEX ix_agent_agent_config_id ON agent (agent_config_id);

CREATE TABLE flow (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    project_id UUID NOT NULL,
    flow_group_id UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    version INTEGER NOT NULL,
    version_group_id TEXT COLLATE "C" NOT NULL,
    archived BOOLEAN NOT NULL,
    core_version TEXT COLLATE "C",
    environment JSON,
    run_config JSON,
    storage JSON,
    parameters JSON,
    schedule JSON,
    is_schedule_active BOOLEAN NOT NULL,
    serialized_flow JSON,
    settings JSON NOT NULL,
    CONSTRAINT pk_flow PRIMARY KEY (id),
    CONSTRAINT uq_flow_flow_group_id_version UNIQUE (flow_group_id, version),
    CONSTRAINT fk_flow_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_project_id_project FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_flow_group_id_flow_group FOREIGN KEY(flow_group_id) REFERENCES flow_group (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_project_id ON flow (project_id);

CREATE INDEX ix_flow_scheduled ON flow (flow_group_id) WHERE is_schedule_active AND NOT archived;

CREATE INDEX ix_flow_tenant_id_name ON flow (tenant_id, name);

CREATE TABLE flow_run (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_id UUID NOT NULL,
    agent_id UUID,
    name TEXT COLLATE "C",
    parameters JSON,
    labels JSON NOT NULL,
    run_config JSON,
    context JSON,
    scheduled_start_time TIMESTAMP WITH TIME ZONE NOT NULL,
    auto_scheduled BOOLEAN NOT NULL,
    idempotency_key TEXT COLLATE "C",
    times_resurrected INTEGER NOT NULL,
    version INTEGER NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE,
    end_time TIMESTAMP WITH TIME ZONE,
    state TEXT COLLATE "C",
    state_timestamp TIMESTAMP WITH TIME ZONE,
    state_start_time TIMESTAMP WITH TIME ZONE,
    state_message TEXT COLLATE "C",
    state_result JSON,
    serialized_state JSON,
    has_task_runs BOOLEAN NOT NULL,
    CONSTRAINT pk_flow_run PRIMARY KEY (id),
    CONSTRAINT ck_flow_run_state CHECK (state IN ('Cached', 'Cancelled', 'Cancelling', 'ClientFailed', 'Failed', 'Finished', 'Looped', 'Mapped', 'Paused', 'Pending', 'Queued', 'Resume', 'Retrying', 'Running', 'Scheduled', 'Skipped', 'Submitted', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed')),
    CONSTRAINT ix_flow_run_idempotency_key_unique UNIQUE (flow_id, idempotency_key),
    CONSTRAINT fk_flow_run_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_agent_id_agent FOREIGN KEY(agent_id) REFERENCES agent (id) ON DELETE SET NULL
);

CREATE INDEX ix_flow_run_active ON flow_run (tenant_id, state) WHERE state IN ('Cancelling', 'Running', 'Submitted');

CREATE INDEX ix_flow_run_agent_id ON flow_run (agent_id);

CREATE INDEX ix_flow_run_ended ON flow_run (end_time) WHERE state IN ('Cached', 'Cancelled', 'Failed', 'Finished', 'Looped', 'Mapped', 'Skipped', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed');

CREATE INDEX ix_flow_run_flow_id_scheduled_start_time ON flow_run (flow_id, scheduled_start_time);

CREATE INDEX ix_flow_run_queue ON flow_run (tenant_id, state_start_time) WHERE state IN ('Paused', 'Queued', 'Resume', 'Retrying', 'Scheduled');

CREATE INDEX ix_flow_run_tenant_id_name ON flow_run (tenant_id, name);

CREATE INDEX ix_flow_run_tenant_id_scheduled_start_time ON flow_run (tenant_id, scheduled_start_time);

CREATE INDEX ix_flow_run_tenant_id_start_time ON flow_run (tenant_id, start_time);

CREATE TABLE task (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_id UUID NOT NULL,
    name TEXT COLLATE "C",
    slug TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    type TEXT COLLATE "C",
    trigger TEXT COLLATE "C",
    cache_key TEXT COLLATE "C",
    max_retries INTEGER,
    retry_delay BIGINT,
    tags JSON NOT NULL,
    mapped BOOLEAN NOT NULL,
    auto_generated BOOLEAN NOT NULL,
    is_root_task BOOLEAN NOT NULL,
    is_terminal_task BOOLEAN NOT NULL,
    is_reference_task BOOLEAN NOT NULL,
    CONSTRAINT pk_task PRIMARY KEY (id),
    CONSTRAINT task_flow_id_slug_key UNIQUE (flow_id, slug),
    CONSTRAINT fk_task_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE
);

CREATE TABLE edge (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_id UUID NOT NULL,
    upstream_task_id UUID NOT NULL,
    downstream_task_id UUID NOT NULL,
    key TEXT COLLATE "C",
    mapped BOOLEAN NOT NULL,
    CONSTRAINT pk_edge PRIMARY KEY (id),
    CONSTRAINT fk_edge_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_edge_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    CONSTRAINT fk_edge_upstream_task_id_task FOREIGN KEY(upstream_task_id) REFERENCES task (id) ON DELETE CASCADE,
    CONSTRAINT fk_edge_downstream_task_id_task FOREIGN KEY(downstream_task_id) REFERENCES task (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX edge_flow_id_task_ids_key ON edge (flow_id, downstream_task_id, upstream_task_id, coalesce(key, ''));

CREATE INDEX ix_edge_downstream_task_id ON edge (downstream_task_id);

CREATE INDEX ix_edge_upstream_task_id ON edge (upstream_task_id);

CREATE TABLE flow_run_heartbeat (
    flow_run_id UUID NOT NULL,
    heartbeat TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_flow_run_heartbeat PRIMARY KEY (flow_run_id),
    CONSTRAINT fk_flow_run_heartbeat_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE TABLE flow_run_state (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_run_id UUID NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C",
    result JSON,
    start_time TIMESTAMP WITH TIME ZONE,
    serialized_state JSON NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_flow_run_state PRIMARY KEY (id),
    CONSTRAINT ck_flow_run_state_state CHECK (state IN ('Cached', 'Cancelled', 'Cancelling', 'ClientFailed', 'Failed', 'Finished', 'Looped', 'Mapped', 'Paused', 'Pending', 'Queued', 'Resume', 'Retrying', 'Running', 'Scheduled', 'Skipped', 'Submitted', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed')),
    CONSTRAINT fk_flow_run_state_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_state_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX ix_flow_run_state_flow_run_id_version ON flow_run_state (flow_run_id, version);

CREATE TABLE task_run (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_run_id UUID NOT NULL,
    task_id UUID NOT NULL,
    map_index INTEGER NOT NULL,
    name TEXT COLLATE "C",
    cache_key TEXT COLLATE "C",
    version INTEGER NOT NULL,
    start_time TIMESTAMP WITH TIME ZONE,
    end_time TIMESTAMP WITH TIME ZONE,
    state TEXT COLLATE "C",
    state_timestamp TIMESTAMP WITH TIME ZONE,
    state_start_time TIMESTAMP WITH TIME ZONE,
    state_message TEXT COLLATE "C",
    state_result JSON,
    serialized_state JSON,
    CONSTRAINT pk_task_run PRIMARY KEY (id),
    CONSTRAINT ck_task_run_state CHECK (state IN ('Cached', 'Cancelled', 'Cancelling', 'ClientFailed', 'Failed', 'Finished', 'Looped', 'Mapped', 'Paused', 'Pending', 'Queued', 'Resume', 'Retrying', 'Running', 'Scheduled', 'Skipped', 'Submitted', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed')),
    CONSTRAINT task_run_unique_identifier_key UNIQUE (flow_run_id, task_id, map_index),
    CONSTRAINT fk_task_run_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_task_id_task FOREIGN KEY(task_id) REFERENCES task (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_active ON task_run (flow_run_id) WHERE state IN ('Cancelling', 'Running');

CREATE INDEX ix_task_run_cached_key ON task_run (cache_key, state_timestamp) WHERE state = 'Cached';

CREATE INDEX ix_task_run_cached_task ON task_run (task_id, state_timestamp) WHERE state = 'Cached';

CREATE INDEX ix_task_run_queue ON task_run (state_start_time) WHERE state IN ('Paused', 'Queued', 'Resume', 'Retrying', 'Scheduled');

CREATE INDEX ix_task_run_task_id ON task_run (task_id);

CREATE TABLE log (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    flow_run_id UUID,
    task_run_id UUID,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT COLLATE "C",
    level TEXT COLLATE "C",
    message TEXT COLLATE "C",
    info JSON,
    is_loaded_from_archive BOOLEAN,
    CONSTRAINT fk_log_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_log_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE,
    CONSTRAINT fk_log_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_log_flow_run_id_timestamp ON log (flow_run_id, timestamp);

CREATE INDEX ix_log_task_run_id_timestamp ON log (task_run_id, timestamp) WHERE task_run_id IS NOT NULL;

CREATE TABLE task_run_artifact (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    task_run_id UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    data JSON NOT NULL,
    CONSTRAINT pk_task_run_artifact PRIMARY KEY (id),
    CONSTRAINT fk_task_run_artifact_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_artifact_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_artifact_task_run_id ON task_run_artifact (task_run_id);

CREATE TABLE task_run_heartbeat (
    task_run_id UUID NOT NULL,
    heartbeat TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_task_run_heartbeat PRIMARY KEY (task_run_id),
    CONSTRAINT fk_task_run_heartbeat_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE TABLE task_run_state (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    task_run_id UUID NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    message TEXT COLLATE "C",
    result JSON,
    start_time TIMESTAMP WITH TIME ZONE,
    serialized_state JSON NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_task_run_state PRIMARY KEY (id),
    CONSTRAINT ck_task_run_state_state CHECK (state IN ('Cached', 'Cancelled', 'Cancelling', 'ClientFailed', 'Failed', 'Finished', 'Looped', 'Mapped', 'Paused', 'Pending', 'Queued', 'Resume', 'Retrying', 'Running', 'Scheduled', 'Skipped', 'Submitted', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed')),
    CONSTRAINT fk_task_run_state_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_state_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX ix_task_run_state_task_run_id_version ON task_run_state (task_run_id, version);
