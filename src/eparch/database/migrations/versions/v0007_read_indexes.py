"""Indexes for what pages read: runs by state over time, and lines of a run by level.

Revision ID: 0007_read_indexes
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0007_read_indexes"
down_revision = "0006_concurrency_limits"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
