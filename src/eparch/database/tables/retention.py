"""How long tenants and projects keep what their runs leave behind."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, UniqueConstraint, text

from eparch.database.tables._columns import entity, reference, words

# `project_id` is NULL for what holds for a whole tenant; `keep_days` is NULL where all is kept.
retention_rule: Final = entity(
    "retention_rule",
    reference("project_id", "project", nullable=True),
    words("kind", nullable=False),
    Column("keep_days", Integer, nullable=True),
    CheckConstraint("kind IN ('artifacts', 'logs', 'runs')", name="kind"),
    UniqueConstraint("project_id", "kind"),
)
# In a unique constraint NULLs differ from each other.
Index(
    "uq_retention_rule_of_tenant",
    retention_rule.c.tenant_id,
    retention_rule.c.kind,
    unique=True,
    postgresql_where=text("project_id IS NULL"),
    sqlite_where=text("project_id IS NULL"),
)
