CREATE TABLE retention_rule (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id UUID NOT NULL,
    project_id UUID,
    kind TEXT COLLATE "C" NOT NULL,
    keep_days INTEGER,
    CONSTRAINT pk_retention_rule PRIMARY KEY (id),
    CONSTRAINT ck_retention_rule_kind CHECK (kind IN ('artifacts', 'logs', 'runs')),
    CONSTRAINT uq_retention_rule_project_id_kind UNIQUE (project_id, kind),
    CONSTRAINT fk_retention_rule_tenant_id_tenant FOREIGN KEY(tenant_id) REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT fk_retention_rule_project_id_project FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_retention_rule_of_tenant ON retention_rule (tenant_id, kind) WHERE project_id IS NULL;
