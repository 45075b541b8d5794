"""The services that run beside the API, and which server's turn each is."""

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from eparch.database.tables._columns import METADATA, document, instant, words
from eparch.database.types import Words

# `token` grows whenever the lease is taken anew, so that a holder who has overslept can be told from the present one.
# `steady_since` is the instant since which somebody has held it without a long gap: since then heartbeats were heard.
service_lease: Final = Table(
    "service_lease",
    METADATA,
    Column("name", Words, primary_key=True),
    words("holder"),
    Column("token", BigInteger, nullable=False),
    instant("expires", nullable=False),
    instant("steady_since", nullable=False),
    instant("last_pass"),
    document("counts", nullable=True),
    words("last_error"),
)
