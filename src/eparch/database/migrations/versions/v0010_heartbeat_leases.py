"""When two beats of a run will have been missed, for clients that say how often they beat.

Revision ID: 0010_heartbeat_leases
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0010_heartbeat_leases"
down_revision = "0009_retention"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
