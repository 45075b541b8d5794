"""The severe lines of a run in the order of time, in place of all its lines by level.

Revision ID: 0011_severe_lines
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0011_severe_lines"
down_revision = "0010_heartbeat_leases"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
