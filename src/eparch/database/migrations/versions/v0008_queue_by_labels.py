"""The queue by the labels of its runs.

Revision ID: 0008_queue_by_labels
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0008_queue_by_labels"
down_revision = "0007_read_indexes"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
