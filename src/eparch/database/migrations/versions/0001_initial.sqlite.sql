CREATE TABLE service_lease (
    name TEXT NOT NULL,
    holder TEXT,
    token BIGINT NOT NULL,
    expires VARCHAR(32) NOT NULL,
    steady_since VARCHAR(32) NOT NULL,
    last_pass VARCHAR(32),
    counts TEXT,
    last_error TEXT,
    CONSTRAINT pk_service_lease PRIMARY KEY (name)
);

CREATE TABLE tenant (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    info TEXT,
    settings TEXT NOT NULL,
    CONSTRAINT pk_tenant PRIMARY KEY (id),
    CONSTRAINT uq_tenant_slug UNIQUE (slug)
);

CREATE TABLE agent_config (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    name TEXT,
    settings TEXT NOT NULL,
    CONSTRAINT pk_agent_config PRIMARY KEY (id),
    CONSTRAINT fk_agent_config_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE INDEX ix_agent_config_tenant_id ON agent_config (tenant_id);

CREATE TABLE cloud_hook (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    version_group_id TEXT,
    name TEXT,
    type TEXT NOT NULL,
    states TEXT,
    config TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    CONSTRAINT pk_cloud_hook PRIMARY KEY (id),
    CONSTRAINT fk_cloud_hook_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE INDEX ix_cloud_hook_tenant_id_version_group_id ON cloud_hook (tenant_id, version_group_id);

CREATE TABLE flow_group (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    labels TEXT,
    schedule TEXT,
    settings TEXT NOT NULL,
    default_parameters TEXT NOT NULL,
    run_config TEXT,
    description TEXT,
    CONSTRAINT pk_flow_group PRIMARY KEY (id),
    CONSTRAINT uq_flow_group_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_flow_group_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE message (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    read BOOLEAN NOT NULL,
    type TEXT,
    text TEXT,
    content TEXT NOT NULL,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT fk_message_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE INDEX ix_message_tenant_id ON message (tenant_id);

CREATE TABLE project (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    CONSTRAINT pk_project PRIMARY KEY (id),
    CONSTRAINT uq_project_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_project_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);

CREATE TABLE agent (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    agent_config_id VARCHAR(36),
    name TEXT,
    type TEXT,
    core_version TEXT,
    labels TEXT NOT NULL,
    last_queried VARCHAR(32),
    fingerprint TEXT NOT NULL,
    CONSTRAINT pk_agent PRIMARY KEY (id),
    CONSTRAINT uq_agent_tenant_id_fingerprint UNIQUE (tenant_id, fingerprint),
    CONSTRAINT fk_agent_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_agent_agent_config_id_agent_config FOREIGN KEY(agent_config_id) REFERENCES agent_config (id) ON DELETE SET NULL
);

CREATE INDEX ix_agent_agent_config_id ON agent (agent_config_id);

CREATE TABLE flow (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    project_id VARCHAR(36) NOT NULL,
    flow_group_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    version INTEGER NOT NULL,
    version_group_id TEXT NOT NULL,
    archived BOOLEAN NOT NULL,
    core_version TEXT,
    environment TEXT,
    run_config TEXT,
    storage TEXT,
    parameters TEXT,
    schedule TEXT,
    is_schedule_active BOOLEAN NOT NULL,
    serialized_flow TEXT,
    settings TEXT NOT NULL,
    CONSTRAINT pk_flow PRIMARY KEY (id),
    CONSTRAINT uq_flow_flow_group_id_version UNIQUE (flow_group_id, version),
    CONSTRAINT fk_flow_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_project_id_project FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_flow_group_id_flow_group FOREIGN KEY(flow_group_id) REFERENCES flow_group (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_project_id ON flow (project_id);

CREATE INDEX ix_flow_scheduled ON flow (flow_group_id) WHERE is_schedule_active = 1 AND archived = 0;

CREATE INDEX ix_flow_tenant_id_name ON flow (tenant_id, name);

CREATE TABLE flow_run (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36),
    name TEXT,
    parameters TEXT,
    labels TEXT NOT NULL,
    run_config TEXT,
    context TEXT,
    scheduled_start_time VARCHAR(32) NOT NULL,
    auto_scheduled BOOLEAN NOT NULL,
    idempotency_key TEXT,
    times_resurrected INTEGER NOT NULL,
    version INTEGER NOT NULL,
    start_time VARCHAR(32),
    end_time VARCHAR(32),
    state TEXT,
    state_timestamp VARCHAR(32),
    state_start_time VARCHAR(32),
    state_message TEXT,
    state_result TEXT,
    serialized_state TEXT,
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
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_id VARCHAR(36) NOT NULL,
    name TEXT,
    slug TEXT NOT NULL,
    description TEXT,
    type TEXT,
    "trigger" TEXT,
    cache_key TEXT,
    max_retries INTEGER,
    retry_delay BIGINT,
    tags TEXT NOT NULL,
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
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_id VARCHAR(36) NOT NULL,
    upstream_task_id VARCHAR(36) NOT NULL,
    downstream_task_id VARCHAR(36) NOT NULL,
    "key" TEXT,
    mapped BOOLEAN NOT NULL,
    CONSTRAINT pk_edge PRIMARY KEY (id),
    CONSTRAINT fk_edge_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_edge_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    CONSTRAINT fk_edge_upstream_task_id_task FOREIGN KEY(upstream_task_id) REFERENCES task (id) ON DELETE CASCADE,
    CONSTRAINT fk_edge_downstream_task_id_task FOREIGN KEY(downstream_task_id) REFERENCES task (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX edge_flow_id_task_ids_key ON edge (flow_id, downstream_task_id, upstream_task_id, coalesce("key", ''));

CREATE INDEX ix_edge_downstream_task_id ON edge (downstream_task_id);

CREATE INDEX ix_edge_upstream_task_id ON edge (upstream_task_id);

CREATE TABLE flow_run_heartbeat (
    flow_run_id VARCHAR(36) NOT NULL,
    heartbeat VARCHAR(32) NOT NULL,
    CONSTRAINT pk_flow_run_heartbeat PRIMARY KEY (flow_run_id),
    CONSTRAINT fk_flow_run_heartbeat_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE TABLE flow_run_state (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_run_id VARCHAR(36) NOT NULL,
    timestamp VARCHAR(32) NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    result TEXT,
    start_time VARCHAR(32),
    serialized_state TEXT NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_flow_run_state PRIMARY KEY (id),
    CONSTRAINT ck_flow_run_state_state CHECK (state IN ('Cached', 'Cancelled', 'Cancelling', 'ClientFailed', 'Failed', 'Finished', 'Looped', 'Mapped', 'Paused', 'Pending', 'Queued', 'Resume', 'Retrying', 'Running', 'Scheduled', 'Skipped', 'Submitted', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed')),
    CONSTRAINT fk_flow_run_state_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_state_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX ix_flow_run_state_flow_run_id_version ON flow_run_state (flow_run_id, version);

CREATE TABLE task_run (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_run_id VARCHAR(36) NOT NULL,
    task_id VARCHAR(36) NOT NULL,
    map_index INTEGER NOT NULL,
    name TEXT,
    cache_key TEXT,
    version INTEGER NOT NULL,
    start_time VARCHAR(32),
    end_time VARCHAR(32),
    state TEXT,
    state_timestamp VARCHAR(32),
    state_start_time VARCHAR(32),
    state_message TEXT,
    state_result TEXT,
    serialized_state TEXT,
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
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    flow_run_id VARCHAR(36),
    task_run_id VARCHAR(36),
    timestamp VARCHAR(32) NOT NULL,
    name TEXT,
    level TEXT,
    message TEXT,
    info TEXT,
    is_loaded_from_archive BOOLEAN,
    CONSTRAINT fk_log_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_log_flow_run_id_flow_run FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE,
    CONSTRAINT fk_log_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_log_flow_run_id_timestamp ON log (flow_run_id, timestamp);

CREATE INDEX ix_log_task_run_id_timestamp ON log (task_run_id, timestamp) WHERE task_run_id IS NOT NULL;

CREATE TABLE task_run_artifact (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    task_run_id VARCHAR(36) NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    CONSTRAINT pk_task_run_artifact PRIMARY KEY (id),
    CONSTRAINT fk_task_run_artifact_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_artifact_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_artifact_task_run_id ON task_run_artifact (task_run_id);

CREATE TABLE task_run_heartbeat (
    task_run_id VARCHAR(36) NOT NULL,
    heartbeat VARCHAR(32) NOT NULL,
    CONSTRAINT pk_task_run_heartbeat PRIMARY KEY (task_run_id),
    CONSTRAINT fk_task_run_heartbeat_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE TABLE task_run_state (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    task_run_id VARCHAR(36) NOT NULL,
    timestamp VARCHAR(32) NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    result TEXT,
    start_time VARCHAR(32),
    serialized_state TEXT NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_task_run_state PRIMARY KEY (id),
    CONSTRAINT ck_task_run_state_state CHECK (state IN ('Cached', 'Cancelled', 'Cancelling', 'ClientFailed', 'Failed', 'Finished', 'Looped', 'Mapped', 'Paused', 'Pending', 'Queued', 'Resume', 'Retrying', 'Running', 'Scheduled', 'Skipped', 'Submitted', 'Success', 'TimedOut', 'TriggerFailed', 'ValidationFailed')),
    CONSTRAINT fk_task_run_state_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_task_run_state_task_run_id_task_run FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX ix_task_run_state_task_run_id_version ON task_run_state (task_run_id, version);
