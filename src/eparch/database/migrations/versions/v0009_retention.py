"""Rules of retention.

Revision ID: 0009_retention
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0009_retention"
down_revision = "0008_queue_by_labels"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
