"""The box office's tables: events, orders, the payments they wait for, tickets, and who was there."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.metadata import metadata
from store.types import Amount, Instant

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("slug", String(100), unique=True),  # has a letter, no colon; fixed once published, never reused
    Column("creator", String(160), nullable=False),  # CAIP-10 account or platform name
    Column("title", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("space_type", String(50), nullable=False),  # post | document | custom
    Column("space_id", String(255), nullable=False),
    Column("category", String(50)),
    Column("require_camera", Boolean, nullable=False),
    Column("require_microphone", Boolean, nullable=False),
    Column("age_restriction", Integer),
    Column("doors_at", Instant, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("sales_start", Instant, nullable=False),
    Column("sales_end", Instant, nullable=False),
    Column("status", String(16), nullable=False),  # active | cancelled | completed
    Column("commission_bps", Integer, nullable=False),  # 2000 = 20 %
    Column("purchase_limit", Integer),  # tickets a proved wallet may hold; None: no limit
    Column("page_origins", JSON, nullable=False),  # list of origins whose pages may open this event's door
    Column("relay_only", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

tiers = Table(
    "tiers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("event_id", ForeignKey("events.id"), nullable=False, index=True),
    Column("name", String(50), nullable=False),  # "general" where the creator named none
    Column("position", Integer, nullable=False),  # the first one is what a memo without `tier` means
    Column("capacity", Integer),  # None: as many as come
    Column("held", Integer, nullable=False),
    Column("sold", Integer, nullable=False),
    UniqueConstraint("event_id", "name"),
    CheckConstraint("held >= 0 AND sold >= 0", name="counts"),
)

prices = Table(
    "prices",
    metadata,
    Column("tier_id", ForeignKey("tiers.id"), primary_key=True),
    Column("asset", String(160), primary_key=True),  # CAIP-19
    Column("amount", Amount, nullable=False),  # smallest unit
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(32), primary_key=True),  # 128 random bits in hex
    Column("code", String(16), unique=True, nullable=False),  # Crockford base32 with a check character
    Column("event_id", ForeignKey("events.id"), nullable=False, index=True),
    Column("asset", String(160), nullable=False),  # CAIP-19; an order is paid in one asset only
    Column("amount", Amount, nullable=False),  # the locked price of all lines
    Column("state", String(16), nullable=False),  # open | paid | suspended | expired | released | refused
    Column("hold", String(8), nullable=False),  # held | sold | none | lapsed: how its places are counted
    Column("implicit", Boolean, nullable=False),  # opened by a bare memo
    Column("payer", String(160)),  # implicit orders: whose top-ups belong together
    Column("topup_key", String(64)),  # implicit orders: H(payer, event, asset, tickets)
    Column("proved", Boolean, nullable=False),  # the holder's wallet signed for it
    Column("client", String(64)),  # keyed hash of the client's network; counts unproved holds
    Column("chain", String(64), nullable=False),  # CAIP-2 of the asset
    Column("address", String(160)),  # its own address, in canonical spelling
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),  # extended by a pending payment
    Column("expires_cap", Instant, nullable=False),  # as far as an extension goes
    Column("grace_until", Instant),  # suspended: how long the place is kept
    Column("version", Integer, nullable=False),  # rises with each change; feeds the status stream
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("chain", "address"),
    Index("ix_orders_due", "state", "expires_at"),
    Index("ix_orders_client", "event_id", "client", "state"),
    Index("ix_orders_implicit", "event_id", "asset", "payer", "state"),
    Index(  # top-ups find one order, however many payments arrive at once
        "uq_orders_topup_open",
        "topup_key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("tier_id", ForeignKey("tiers.id"), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("holder", String(160), nullable=False, index=True),  # holder key
    Column("account", String(200), nullable=False),  # CAIP-10, as it stands on the ticket
    Column("unit_price", Amount, nullable=False),
)

order_addresses = Table(
    "order_addresses",
    metadata,
    Column("chain", String(64), primary_key=True),  # CAIP-2
    Column("position", BigInteger, primary_key=True),  # child index under the deployment's xpub
    Column("address", String(160), nullable=False),
    Column("state", String(12), nullable=False),  # committed | watched | shown | retired
    Column("order_id", ForeignKey("orders.id")),
    UniqueConstraint("chain", "address"),
    Index("ix_order_addresses_state", "chain", "state", "position"),
)

receive_addresses = Table(
    "receive_addresses",
    metadata,
    Column("chain", String(64), primary_key=True),  # CAIP-2
    Column("address", String(160), primary_key=True),  # every one the settings ever named: watched for ever
)

payments = Table(
    "payments",
    metadata,
    Column("id", String(32), primary_key=True),  # PaymentKey.payment_id
    Column("chain", String(64), nullable=False),
    Column("txid", String(128), nullable=False),
    Column("position", String(64), nullable=False),  # PaymentKey.index
    Column("asset", String(160), nullable=False),
    Column("amount", Amount, nullable=False),
    Column("destination", String(160), nullable=False),
    Column("sender", String(160)),
    Column("direct", Boolean, nullable=False),
    Column("memos", JSON, nullable=False),  # texts as they travelled
    Column("internal", Boolean, nullable=False),
    Column("references", JSON, nullable=False),  # watched keys that travelled along to name an order
    Column("state", String(12), nullable=False),  # pending | gone | final | lost
    Column("confirmations", Integer, nullable=False),
    Column("height", BigInteger),
    Column("block_hash", String(128)),
    Column("block_time", Instant),
    Column("first_seen", Instant, nullable=False),  # earlier of our first sighting and the block's time
    Column("outcome", String(12), nullable=False),  # waiting | minted | topped_up | owed | internal
    Column("reason", String(32)),  # why money is owed back
    Column("applied", Amount, nullable=False),  # part that paid for tickets
    Column("owed", Amount, nullable=False),  # part owed back
    Column("order_id", ForeignKey("orders.id"), index=True),
    Column("purse", String(64)),  # the same for all payments towards one purchase
    Column("booked", Boolean, nullable=False),  # final and in the journal
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("chain", "txid", "position"),
    Index("ix_payments_state", "chain", "state", "height"),
)

payment_notes = Table(
    "payment_notes",
    metadata,
    Column("payment_id", ForeignKey("payments.id"), primary_key=True),
    Column("txid", String(128), primary_key=True, index=True),  # in which a trace saw its value move
    Column("sender", String(160), primary_key=True),  # who handed it on last
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", String(32), primary_key=True),  # H(order id, line, ordinal)
    Column("event_id", ForeignKey("events.id"), nullable=False),
    Column("tier_id", ForeignKey("tiers.id"), nullable=False),
    Column("order_id", ForeignKey("orders.id"), index=True),  # None: granted by the operator
    Column("holder", String(160), nullable=False),
    Column("account", String(200), nullable=False),
    Column("paid_on", String(64)),  # CAIP-2: where a contract account proves itself
    Column("state", String(12), nullable=False),  # valid | suspended | revoked | refunded | transferred
    Column("reason", String(64)),
    Column("token", Text, nullable=False),  # compact JWS
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("generation", Integer, nullable=False),  # of its sessions; only the newest may authenticate
    Column("first_access", Instant),
    Column("last_access", Instant),
    Column("access_count", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_tickets_holder", "event_id", "holder"),
    Index("ix_tickets_state", "state"),
)

door_notices = Table(
    "door_notices",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),  # numbered in commit order
    Column("event_id", ForeignKey("events.id"), nullable=False),
    Column("ticket_id", String(32)),  # None: everybody in the event
    Column("holder", String(160)),  # a ban names the holder
    Column("action", String(16), nullable=False),  # suspended | restored | revoked | refunded | banned | ended
    Column("reason", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

attendance = Table(
    "attendance",
    metadata,
    Column("session_id", String(32), primary_key=True),
    Column("event_id", ForeignKey("events.id"), nullable=False, index=True),
    Column("ticket_id", String(32)),
    Column("holder", String(160), nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("left_at", Instant),
)
