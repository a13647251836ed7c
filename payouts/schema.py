"""The double-entry book, and what is owed back. The journal is written when money is final and never rewritten."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from store.metadata import metadata
from store.types import Amount, Instant

postings = Table(
    "postings",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # numbered in commit order
    Column("reference", String(100), unique=True, nullable=False),  # what it books, e.g. sale:<payment id>
    Column("kind", String(20), nullable=False),
    Column("event_id", Integer, index=True),
    Column("order_id", String(32)),
    Column("payment_id", String(32), index=True),
    Column("at", Instant, nullable=False),  # when the money was final: the block's time
)

entries = Table(
    "entries",
    metadata,
    Column("posting_id", ForeignKey("postings.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("account", String(120), nullable=False),
    Column("asset", String(160), nullable=False),
    Column("amount", Amount, nullable=False),  # debit above zero, credit below; a posting sums to zero per asset
    Index("ix_entries_account", "account", "asset"),
)

dues = Table(
    "dues",
    metadata,
    Column("payment_id", String(32), primary_key=True),
    Column("part", Integer, primary_key=True),  # a payment may owe its rest, and later all of it
    Column("asset", String(160), nullable=False),
    Column("amount", Amount, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("event_id", Integer),
    Column("order_id", String(32)),
    Column("state", String(12), nullable=False),  # due | dust; money out adds its own states
    Column("recipient", String(200)),  # CAIP-10, where DESIGN section 5 names one without asking
    Column("at", Instant, nullable=False),
    Index("ix_dues_state", "state"),
)
