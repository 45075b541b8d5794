CREATE TABLE secret (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    ciphertext TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_secret PRIMARY KEY (id),
    CONSTRAINT uq_secret_tenant_id_name UNIQUE (tenant_id, name),
    CONSTRAINT fk_secret_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
);
