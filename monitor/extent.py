"""Up to which moment a chain is known. Only what lies before it may be called unpaid, or not returned."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select

from chains import progress
from chains.progress import Progress, Status
from config.registry import Chain, Network
from monitor.sitting import Terms
from tickets.schema import payments
from tickets.till import Outcome, PaymentState

BLOCKS_UNDER_WAY = 2
"""A block may come to us so many block times after its own time."""

_OLDEST_WAITING = select(func.min(payments.c.first_seen)).where(
    payments.c.chain == bindparam("of_chain"),
    payments.c.state == PaymentState.PENDING,
    payments.c.outcome == Outcome.WAITING,
    or_(payments.c.height.is_not(None), payments.c.first_seen > bindparam("in_no_block_since")),
)


def read_until(read: Progress | None, chain: Chain, now: datetime) -> datetime | None:
    """Return the moment up to which a chain has told all its payments; None where nothing can be said.

    A block tells of its own time: what was paid before the tip is in it or below it, whenever we look. So a chain that
    is followed was read up to its tip, and one that is stopped, or not read yet (again), up to nowhere.

    A tip may stand still, so that its time says nothing. Play-money chains do that by nature: there, a poll that left
    nothing to read has read up to the poll, less the time that a block may be under way. Where real money moves, an
    endpoint that hangs would look just the same: nothing follows from its silence, and holds end at their cap.
    """
    if read is None or not read.checkpoint or read.status is not Status.FOLLOWING:
        return None
    until = read.tip_time
    if chain.network is Network.TEST and read.caught_up_at is not None:
        until = max(until, read.caught_up_at - BLOCKS_UNDER_WAY * chain.block_time)
    return min(now, until)


def of_chain(conn: Connection, terms: Terms, now: datetime) -> datetime | None:
    """Return up to which moment a chain was read."""
    return read_until(progress.load(conn, terms.chain.id), terms.chain, now)


def decided_until(conn: Connection, terms: Terms, now: datetime) -> datetime | None:
    """Return up to which moment a chain was read and everything that was seen on it is decided about, too.

    What is in no block may never be in one, and anybody can bring such a thing about for nothing: it is waited for as
    long as an order would be, up to the chain's cap.
    """
    until = of_chain(conn, terms, now)
    if until is None:
        return None
    about = {"of_chain": terms.chain.id, "in_no_block_since": now - terms.chain.hold_cap}
    oldest = conn.execute(_OLDEST_WAITING, about).scalar_one_or_none()
    return until if oldest is None else min(until, oldest)
