"""Secrets.

Revision ID: 0003_secrets
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0003_secrets"
down_revision = "0002_key_values"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
