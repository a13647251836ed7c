"""What the door remembers: spent proofs, sessions, bans, answers to repeated requests, and its audit log."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from store.metadata import metadata
from store.types import Instant

spent_proofs = Table(
    "spent_proofs",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of account and text, never of the signature's bytes
    Column("expires_at", Instant, nullable=False, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("event_id", ForeignKey("events.id"), nullable=False, index=True),
    Column("ticket_id", String(32), index=True),  # None: creator, host or staff
    Column("holder", String(160), nullable=False),
    Column("role", String(12), nullable=False),  # attendee | creator | host | staff
    Column("generation", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("renewed_at", Instant, nullable=False),
    Column("resume_digest", LargeBinary(32), nullable=False, unique=True),
    Column("signers", LargeBinary(16 * 33)),  # public keys that opened it, where a chain must go on naming them
    Column("named_at", Instant),  # when it was asked that named them last
    Column("closed_at", Instant),
    Column("closed_reason", String(32)),
)

bans = Table(
    "bans",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True),
    Column("holder", String(160), primary_key=True),
    Column("reason", String(200), nullable=False),
    Column("at", Instant, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", String(64), primary_key=True),  # session, or keyed hash of the client's network
    Column("route", String(100), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),  # of the request's body
    Column("status", Integer),  # None: still being worked on
    Column("answer", Text),
    Column("created_at", Instant, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", String(32), primary_key=True),  # random: no row waits for another's number
    Column("at", Instant, nullable=False, index=True),
    Column("action", String(20), nullable=False),  # join | verify | purchase | renew | resume | …
    Column("outcome", String(40), nullable=False),  # granted, or the refusal's code
    Column("event_id", Integer),
    Column("ticket_id", String(32)),
    Column("holder", String(160)),  # set only behind a valid signature
    Column("client", String(64)),  # keyed hash
    Column("count", BigInteger, nullable=False),  # refusals before a valid signature: one row per client, code, minute
    Index("ix_audit_event", "event_id", "at"),
)
