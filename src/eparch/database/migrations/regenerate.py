"""Write the SQL of the first revision anew from the tables: `python -m eparch.database.migrations.regenerate`.

In charge of nothing else. Only until the first release: from then on the first revision is frozen and every change of
a table is a revision of its own.
"""

import re
import sys

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from eparch.database.migrations import FOLDER, REVISIONS
from eparch.database.tables import METADATA


def initial_sql(dialect: Dialect) -> str:
    """Return the statements that make every table and index, in an order that never changes by itself."""
    parts = []
    for table in METADATA.sorted_tables:
        parts.append(CreateTable(table).compile(dialect=dialect))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        parts += [CreateIndex(index).compile(dialect=dialect) for index in indexes]
    texts = [str(part).strip().replace("\t", "    ") + ";\n" for part in parts]
    return "\n".join(re.sub(r" +$", "", text, flags=re.MULTILINE) for text in texts)


def main() -> None:
    """Write both files."""
    if len(REVISIONS) > 1:
        sys.exit("The first revision is frozen: write a further one.")
    for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]
        path = FOLDER / "versions" / f"{REVISIONS[0]}.{dialect.name}.sql"
        path.write_text(initial_sql(dialect), encoding="utf-8")
        print(path)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
