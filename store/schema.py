"""The store's own tables: leases with their epochs, and counters that number rows in commit order."""

from sqlalchemy import BigInteger, Column, String, Table

from store.metadata import metadata
from store.types import Instant

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("epoch", BigInteger, nullable=False),  # rises with each change of holder; guarded writes name it
    Column("expires_at", Instant, nullable=False),  # by the database's clock
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", BigInteger, nullable=False),  # its row lock makes numbers commit in order
)
