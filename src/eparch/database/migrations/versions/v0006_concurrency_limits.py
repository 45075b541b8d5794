"""Concurrency limits, their slots and those who wait for one; the priority of a flow run.

Revision ID: 0006_concurrency_limits
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0006_concurrency_limits"
down_revision = "0005_backfills"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
