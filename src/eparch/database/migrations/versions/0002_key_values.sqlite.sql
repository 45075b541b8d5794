CREATE TABLE key_value (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT,
    version INTEGER NOT NULL,
    CONSTRAINT pk_key_value PRIMARY KEY (id),
    CONSTRAINT uq_key_value_tenant_id_key UNIQUE (tenant_id, "key"),
    CONSTRAINT fk_key_value_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
