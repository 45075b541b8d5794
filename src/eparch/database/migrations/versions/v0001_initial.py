"""The tables of the first release.

Revision ID: 0001_initial
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
