"""What Alembic runs for each of its commands; in charge of handing it the connection that `migrate` has opened.

Not in charge of transactions: the connection is in one already, and all revisions share it.
"""

from alembic import context

from eparch.database.tables import METADATA

# SQLite can change little of a table in place, so Alembic writes a new one and copies the rows.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=context.config.attributes["connection"].dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
