CREATE TABLE secret (
    id VARCHAR(36) NOT NULL,
    created VARCHAR(32) NOT NULL,
    updated VARCHAR(32) NOT NULL,
    tenant_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    ciphertext TEXT NOT NULL,
    CONSTRAINT pk_secret PRIMARY KEY (id),
    CONSTRAINT uq_secret_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_secret_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
