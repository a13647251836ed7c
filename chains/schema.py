"""How far each chain has been read, and whether it may sell. One row per chain; its family alone reads `state`."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from store.metadata import metadata
from store.types import Instant

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("chain", String(64), primary_key=True),  # CAIP-2
    Column("state", Text, nullable=False),  # JSON, opaque to everyone but the family
    Column("tip_height", BigInteger, nullable=False),
    Column("tip_time", Instant, nullable=False),
    Column("final_height", BigInteger, nullable=False),
    Column("polled_at", Instant, nullable=False),  # the last poll that succeeded
    Column("caught_up_at", Instant),  # the last one after which nothing more was ready to be read
    Column("status", String(16), nullable=False),  # following | stopped
    Column("reason", Text),  # why it stopped, for the operator
)
