"""Policies of scheduled runs, how far the runs of a schedule have been made, and runs that something holds.

Revision ID: 0004_schedule_policies
"""

from alembic import op

from eparch.database.migrations import statements

revision = "0004_schedule_policies"
down_revision = "0003_secrets"


def upgrade() -> None:
    for statement in statements(revision, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
