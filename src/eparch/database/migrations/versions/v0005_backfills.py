"""Backfills.

Revision ID: 0005_backfills
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0005_backfills"
down_revision = "0004_schedule_policies"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
