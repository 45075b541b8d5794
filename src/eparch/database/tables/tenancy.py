"""Tenants, projects, and what belongs to a tenant alone: agents, messages, cloud hooks, key-value pairs, secrets."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, UniqueConstraint

from eparch.database.tables._columns import document, entity, instant, reference, words

tenant: Final = entity(
    "tenant",
    words("name", nullable=False),
    words("slug", nullable=False),
    document("info", nullable=True),
    document("settings"),
    UniqueConstraint("slug"),
    has_tenant=False,
)

project: Final = entity(
    "project",
    words("name", nullable=False),
    words("description"),
    UniqueConstraint("tenant_id", "name"),
)

message: Final = entity(
    "message",
    Column("read", Boolean, nullable=False),
    words("type"),
    words("text"),
    document("content"),
    Index(None, "tenant_id"),
)

cloud_hook: Final = entity(
    "cloud_hook",
    words("version_group_id"),
    words("name"),
    words("type", nullable=False),
    document("states", nullable=True),
    document("config"),
    Column("active", Boolean, nullable=False),
    Index(None, "tenant_id", "version_group_id"),
)

agent_config: Final = entity(
    "agent_config",
    words("name"),
    document("settings"),
    Index(None, "tenant_id"),
)

# `fingerprint` is a digest of what makes two registrations the same agent: name, type, core version and labels.
agent: Final = entity(
    "agent",
    reference("agent_config_id", "agent_config", nullable=True, ondelete="SET NULL"),
    words("name"),
    words("type"),
    words("core_version"),
    document("labels"),
    instant("last_queried"),
    words("fingerprint", nullable=False),
    UniqueConstraint("tenant_id", "fingerprint"),
    Index(None, "agent_config_id"),
)

# `version` counts the times a pair has been set; a null is a value like any other.
key_value: Final = entity(
    "key_value",
    words("key", nullable=False),
    document("value", nullable=True),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant_id", "key"),
)

# Encrypted before it comes here; `key_id` says by which key.
secret: Final = entity(
    "secret",
    words("name", nullable=False),
    words("key_id", nullable=False),
    words("ciphertext", nullable=False),
    UniqueConstraint("tenant_id", "name"),
)
