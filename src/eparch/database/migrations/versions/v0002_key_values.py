"""Key-value pairs.

Revision ID: 0002_key_values
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0002_key_values"
down_revision = "0001_initial"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
