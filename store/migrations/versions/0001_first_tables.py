"""The first tables of every room. Written out: what a room's schema.py says later is a later revision's business."""

import sqlalchemy as sa
from alembic import op

from store.types import Amount, Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the tables here. There is no way back but the backup."""
    _the_store()
    _the_chains()
    _the_box_office()
    _the_book()
    _the_door()


def _the_store() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )


def _the_chains() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tip_height", sa.BigInteger(), nullable=False),
        sa.Column("tip_time", Instant(), nullable=False),
        sa.Column("final_height", sa.BigInteger(), nullable=False),
        sa.Column("polled_at", Instant(), nullable=False),
        sa.Column("caught_up_at", Instant(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_checkpoints")),
    )


def _the_box_office() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=True),
        sa.Column("creator", sa.String(length=160), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("space_type", sa.String(length=50), nullable=False),
        sa.Column("space_id", sa.String(length=255), nullable=False),
        sa.Column("category", sa.String(length=50), nullable=True),
        sa.Column("require_camera", sa.Boolean(), nullable=False),
        sa.Column("require_microphone", sa.Boolean(), nullable=False),
        sa.Column("age_restriction", sa.Integer(), nullable=True),
        sa.Column("doors_at", Instant(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("sales_start", Instant(), nullable=False),
        sa.Column("sales_end", Instant(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("commission_bps", sa.Integer(), nullable=False),
        sa.Column("purchase_limit", sa.Integer(), nullable=True),
        sa.Column("page_origins", sa.JSON(), nullable=False),
        sa.Column("relay_only", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("slug", name=op.f("uq_events_slug")),
    )
    op.create_table(
        "attendance",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.String(length=32), nullable=True),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_attendance_event_id_events")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_attendance")),
    )
    op.create_index(op.f("ix_attendance_event_id"), "attendance", ["event_id"], unique=False)
    op.create_table(
        "door_notices",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.String(length=32), nullable=True),
        sa.Column("holder", sa.String(length=160), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_door_notices_event_id_events")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_door_notices")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(length=160), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("hold", sa.String(length=8), nullable=False),
        sa.Column("implicit", sa.Boolean(), nullable=False),
        sa.Column("payer", sa.String(length=160), nullable=True),
        sa.Column("topup_key", sa.String(length=64), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=True),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=160), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("expires_cap", Instant(), nullable=False),
        sa.Column("grace_until", Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_orders_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("chain", "address", name=op.f("uq_orders_chain_address")),
        sa.UniqueConstraint("code", name=op.f("uq_orders_code")),
    )
    op.create_index("ix_orders_client", "orders", ["event_id", "client", "state"], unique=False)
    op.create_index("ix_orders_due", "orders", ["state", "expires_at"], unique=False)
    op.create_index(op.f("ix_orders_event_id"), "orders", ["event_id"], unique=False)
    op.create_index("ix_orders_implicit", "orders", ["event_id", "asset", "payer", "state"], unique=False)
    op.create_index(
        "uq_orders_topup_open",
        "orders",
        ["topup_key"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "tiers",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.CheckConstraint("held >= 0 AND sold >= 0", name=op.f("ck_tiers_counts")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_tiers_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tiers")),
        sa.UniqueConstraint("event_id", "name", name=op.f("uq_tiers_event_id_name")),
    )
    op.create_index(op.f("ix_tiers_event_id"), "tiers", ["event_id"], unique=False)
    op.create_table(
        "order_addresses",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=160), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_addresses_order_id_orders")),
        sa.PrimaryKeyConstraint("chain", "position", name=op.f("pk_order_addresses")),
        sa.UniqueConstraint("chain", "address", name=op.f("uq_order_addresses_chain_address")),
    )
    op.create_index("ix_order_addresses_state", "order_addresses", ["chain", "state", "position"], unique=False)
    op.create_table(
        "receive_addresses",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("chain", "address", name=op.f("pk_receive_addresses")),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("unit_price", Amount(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders")),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name=op.f("fk_order_lines_tier_id_tiers")),
        sa.PrimaryKeyConstraint("order_id", "line", name=op.f("pk_order_lines")),
    )
    op.create_index(op.f("ix_order_lines_holder"), "order_lines", ["holder"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("txid", sa.String(length=128), nullable=False),
        sa.Column("position", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=160), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.Column("destination", sa.String(length=160), nullable=False),
        sa.Column("sender", sa.String(length=160), nullable=True),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("memos", sa.JSON(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("references", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=128), nullable=True),
        sa.Column("block_time", Instant(), nullable=True),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("applied", Amount(), nullable=False),
        sa.Column("owed", Amount(), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=True),
        sa.Column("purse", sa.String(length=64), nullable=True),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("chain", "txid", "position", name=op.f("uq_payments_chain_txid_position")),
    )
    op.create_index(op.f("ix_payments_order_id"), "payments", ["order_id"], unique=False)
    op.create_index("ix_payments_state", "payments", ["chain", "state", "height"], unique=False)
    op.create_table(
        "payment_notes",
        sa.Column("payment_id", sa.String(length=32), nullable=False),
        sa.Column("txid", sa.String(length=128), nullable=False),
        sa.Column("sender", sa.String(length=160), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_notes_payment_id_payments")),
        sa.PrimaryKeyConstraint("payment_id", "txid", "sender", name=op.f("pk_payment_notes")),
    )
    op.create_index(op.f("ix_payment_notes_txid"), "payment_notes", ["txid"], unique=False)
    op.create_table(
        "prices",
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(length=160), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name=op.f("fk_prices_tier_id_tiers")),
        sa.PrimaryKeyConstraint("tier_id", "asset", name=op.f("pk_prices")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=True),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("paid_on", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("first_access", Instant(), nullable=True),
        sa.Column("last_access", Instant(), nullable=True),
        sa.Column("access_count", sa.Integer(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_tickets_event_id_events")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_tickets_order_id_orders")),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name=op.f("fk_tickets_tier_id_tiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_holder", "tickets", ["event_id", "holder"], unique=False)
    op.create_index(op.f("ix_tickets_order_id"), "tickets", ["order_id"], unique=False)
    op.create_index("ix_tickets_state", "tickets", ["state"], unique=False)


def _the_book() -> None:
    op.create_table(
        "dues",
        sa.Column("payment_id", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("asset", sa.String(length=160), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("order_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "part", name=op.f("pk_dues")),
    )
    op.create_index("ix_dues_state", "dues", ["state"], unique=False)
    op.create_table(
        "postings",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("order_id", sa.String(length=32), nullable=True),
        sa.Column("payment_id", sa.String(length=32), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint("reference", name=op.f("uq_postings_reference")),
    )
    op.create_index(op.f("ix_postings_event_id"), "postings", ["event_id"], unique=False)
    op.create_index(op.f("ix_postings_payment_id"), "postings", ["payment_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=120), nullable=False),
        sa.Column("asset", sa.String(length=160), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"], name=op.f("fk_entries_posting_id_postings")),
        sa.PrimaryKeyConstraint("posting_id", "line", name=op.f("pk_entries")),
    )
    op.create_index("ix_entries_account", "entries", ["account", "asset"], unique=False)


def _the_door() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("ticket_id", sa.String(length=32), nullable=True),
        sa.Column("holder", sa.String(length=160), nullable=True),
        sa.Column("client", sa.String(length=64), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index("ix_audit_event", "audit", ["event_id", "at"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "route", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "spent_proofs",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_proofs")),
    )
    op.create_index(op.f("ix_spent_proofs_expires_at"), "spent_proofs", ["expires_at"], unique=False)
    op.create_table(
        "bans",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_bans_event_id_events")),
        sa.PrimaryKeyConstraint("event_id", "holder", name=op.f("pk_bans")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.String(length=32), nullable=True),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("renewed_at", Instant(), nullable=False),
        sa.Column("resume_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signers", sa.LargeBinary(length=528), nullable=True),
        sa.Column("named_at", Instant(), nullable=True),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("closed_reason", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_sessions_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("resume_digest", name=op.f("uq_sessions_resume_digest")),
    )
    op.create_index(op.f("ix_sessions_event_id"), "sessions", ["event_id"], unique=False)
    op.create_index(op.f("ix_sessions_ticket_id"), "sessions", ["ticket_id"], unique=False)
