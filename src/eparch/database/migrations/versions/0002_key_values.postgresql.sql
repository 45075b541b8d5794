CREATE TABLE key_value (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value JSON,
    version INTEGER NOT NULL,
    CONSTRAINT pk_key_value PRIMARY KEY (id),
    CONSTRAINT uq_key_value_tenant_id_key UNIQUE (tenant_id, key),
    CONSTRAINT fk_key_value_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
