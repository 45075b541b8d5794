"""What tables a database has, in words that can be compared.

In charge of describing columns, constraints and indexes as both databases know them, partial indexes, collations and
CHECKs included; not in charge of changing them (`migrate`). Alembic's own comparison leaves these out.

A description is a set of lines such as `column flow.name: text COLLATE "C" NOT NULL`. The order of columns is not part
of it, since a migration can only add at the end.
"""

import re
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateIndex, CreateTable

from eparch.database.tables import METADATA

Description = frozenset[str]


def describe(connection: Connection) -> Description:
    """Return the description of all tables that a connection sees without naming a schema."""
    return _describe_sqlite(connection) if connection.dialect.name == "sqlite" else _describe_postgresql(connection)


def wanted(connection: Connection) -> Description:
    """Return the description of the tables that this version of Eparch wants, in the words of the same database.

    On PostgreSQL the tables are made as temporary ones for it; roll the transaction back afterwards.
    """
    if connection.dialect.name == "sqlite":
        with create_engine("sqlite://").connect() as scratch:
            METADATA.create_all(scratch)
            return describe(scratch)
    connection.exec_driver_sql("SET LOCAL search_path = pg_temp")
    for table in METADATA.sorted_tables:
        connection.execute(CreateTable(table))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
    return describe(connection)


def _describe_sqlite(connection: Connection) -> Description:
    lines = {
        f"column {table}.{name}: {kind}{' NOT NULL' if is_required else ''}{f' DEFAULT {default}' if default else ''}"
        for table, name, kind, is_required, default in connection.exec_driver_sql(_SQLITE_COLUMNS)
    }
    for kind, name, table, sql in connection.exec_driver_sql(_SQLITE_STATEMENTS):
        if kind == "index":
            lines.add(f"index {name}: {' '.join(sql.split())}")
        else:
            # SQLite keeps the text of CREATE TABLE; SQLAlchemy and Alembic write one constraint to a line.
            constraints = (line.strip().rstrip(",") for line in sql.splitlines())
            lines |= {f"constraint of {table}: {line}" for line in constraints if line.startswith("CONSTRAINT ")}
    return frozenset(lines)


_SQLITE_COLUMNS: Final = r"""
SELECT t.name, c.name, c.type, c."notnull", c.dflt_value
FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c
WHERE t.type = 'table' AND t.name <> 'alembic_version' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""
_SQLITE_STATEMENTS: Final = r"""
SELECT type, name, tbl_name, sql FROM sqlite_master
WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
"""


def _describe_postgresql(connection: Connection) -> Description:
    columns = connection.exec_driver_sql(_POSTGRESQL_COLUMNS)
    constraints = connection.exec_driver_sql(_POSTGRESQL_CONSTRAINTS)
    indexes = connection.exec_driver_sql(_POSTGRESQL_INDEXES)
    return frozenset(
        [
            *(f"column {table}.{name}: {definition}" for table, name, definition in columns),
            *(f"constraint of {table}: CONSTRAINT {name} {definition}" for table, name, definition in constraints),
            *(f"index {name}: {_SCHEMA.sub(' ON ', definition)}" for name, definition in indexes),
        ]
    )


# `pg_get_indexdef` always names the schema of the table.
_SCHEMA: Final = re.compile(r" ON (?:ONLY )?[\w\"]+\.")

# `current_schema()` is never the temporary schema, so tables are chosen by being visible.
_VISIBLE: Final = """
c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND c.relname <> 'alembic_version'
AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
"""
_POSTGRESQL_COLUMNS: Final = f"""
SELECT c.relname, a.attname, concat(
    format_type(a.atttypid, a.atttypmod),
    ' COLLATE ' || nullif(a.attcollation, 0)::regcollation,
    CASE WHEN a.attnotnull THEN ' NOT NULL' END,
    ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE {_VISIBLE}
"""
# From version 18 on, NOT NULL is a constraint too; it stands among the columns already.
_POSTGRESQL_CONSTRAINTS: Final = f"""
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_class AS c JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype <> 'n' WHERE {_VISIBLE}
"""
_POSTGRESQL_INDEXES: Final = f"""
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid WHERE {_VISIBLE}
"""
