"""Backfills: runs for a part of a schedule's past, made in order and a few at a time."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from eparch.core.backfills import BackfillState, Direction
from eparch.database.tables._columns import METADATA, choice, document, entity, instant, reference, words
from eparch.database.types import Uuid

# Of its instants the first `made_count + skipped_count` are done.
backfill: Final = entity(
    "backfill",
    reference("flow_group_id", "flow_group"),
    choice("state", BackfillState, BackfillState.RUNNING),
    words("message"),
    instant("range_start", nullable=False),
    instant("range_end", nullable=False),
    choice("direction", Direction, Direction.FORWARD),
    Column("concurrency", Integer, nullable=False),
    document("parameters"),
    document("labels", nullable=True),
    Column("repeat_existing", Boolean, nullable=False),
    Column("instant_count", Integer, nullable=False),
    Column("made_count", Integer, nullable=False),
    Column("skipped_count", Integer, nullable=False),
    instant("end_time"),
    Index(None, "flow_group_id", "created"),
)
Index(
    "ix_backfill_running",
    backfill.c.id,
    postgresql_where=backfill.c.end_time.is_(None),
    sqlite_where=backfill.c.end_time.is_(None),
)

# The instants of a backfill, as the schedule gave them when it was made; `number` is their order.
backfill_instant: Final = Table(
    "backfill_instant",
    METADATA,
    Column("backfill_id", Uuid, ForeignKey("backfill.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    instant("scheduled_start_time", nullable=False),
    document("parameters"),
    document("labels", nullable=True),
    PrimaryKeyConstraint("backfill_id", "number"),
)
