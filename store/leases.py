"""Who may act alone: a lease by the database's time, with an epoch that fences off earlier holders.

A holder whose lease ran out may still believe in it; therefore its every write calls `guard` in the same
transaction. A successor's claim waits for such a transaction, and afterwards no guard of an older epoch passes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, select, update

from store.clock import database_now
from store.errors import StoreError
from store.schema import leases
from store.upsert import insert_into


class LeaseLostError(StoreError):
    """Another process holds this lease now; stop what you do under it, nothing was stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to act under a name until it is renewed, released or taken over."""

    name: str
    holder: str
    epoch: int
    expires_at: datetime  # by the database's clock


def claim(conn: Connection, name: str, holder: str, ttl: timedelta) -> Lease | None:
    """Take the lease if nobody holds it, or return None. Each claim opens a new epoch."""
    now = database_now(conn)
    expires_at = now + ttl
    first = insert_into(conn, leases).values(name=name, holder=holder, epoch=1, expires_at=expires_at)
    taken = first.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "epoch": leases.c.epoch + 1, "expires_at": expires_at},
        where=leases.c.expires_at <= now,
    )
    epoch = conn.execute(taken.returning(leases.c.epoch)).scalar_one_or_none()
    return None if epoch is None else Lease(name=name, holder=holder, epoch=epoch, expires_at=expires_at)


def renew(conn: Connection, lease: Lease, ttl: timedelta) -> Lease | None:
    """Extend the lease from now on, also after it ran out if nobody took it; None: somebody did."""
    expires_at = database_now(conn) + ttl
    renewed = conn.execute(update(leases).where(_is(lease)).values(expires_at=expires_at)).rowcount
    return replace(lease, expires_at=expires_at) if renewed else None


def release(conn: Connection, lease: Lease) -> None:
    """Let a stand-by take over at once. Releasing what somebody else holds changes nothing."""
    conn.execute(update(leases).where(_is(lease)).values(expires_at=database_now(conn)))


def guard(conn: Connection, lease: Lease) -> None:
    """Let this transaction commit only under the lease; raises LeaseLostError. Claims wait until it ends."""
    if conn.execute(select(leases.c.epoch).where(_is(lease)).with_for_update(read=True)).first() is None:
        raise LeaseLostError(lease.name)


def _is(lease: Lease) -> ColumnElement[bool]:
    return and_(leases.c.name == lease.name, leases.c.holder == lease.holder, leases.c.epoch == lease.epoch)
