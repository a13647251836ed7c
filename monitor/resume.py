"""The operator's word after a chain was stopped: go on. Whether what stopped it is over, only a person can tell."""

from sqlalchemy import Connection, delete, update

from chains import progress
from chains.port import Sweep
from chains.progress import Progress, Status
from chains.schema import checkpoints
from config.registry import Chain
from tickets.schema import payments
from tickets.till import PaymentState

READ_AGAIN = 10
"""How many depths of finality are read again after a reorg below it; what is known already changes nothing."""
LEAST_READ_AGAIN = 100
"""And so many blocks at least, where blocks say what is final: coinbases wait so long until they can be spent. Only the
position knew of those whose blocks are final, and it is forgotten."""


def resume(conn: Connection, chain: str, *, anew: bool = False) -> bool:
    """Let a stopped chain be followed again from where it was; False if it is not stopped.

    `anew` forgets the position, which after a reorg below finality is on no chain any more: the watcher begins again
    well below what was final (`begins_at`). Nothing is skipped. Payments that are known stay known until a block is
    final where they stood: those not found in it by then are gone, and final ones among them are lost.
    """
    read = progress.lock(conn, chain)
    if read is None or read.status is not Status.STOPPED:
        return False
    if not read.begun:  # so it is again as if nobody had ever come here
        conn.execute(delete(checkpoints).where(checkpoints.c.chain == chain))
        return True
    if anew:
        _forget_position(conn, read)
    going_on = update(checkpoints).where(checkpoints.c.chain == chain)
    conn.execute(going_on.values({"status": Status.FOLLOWING, "reason": None, **({"state": "{}"} if anew else {})}))
    return True


def begins_at(read: Progress, chain: Chain) -> int:
    """Return the height at which a chain is read anew."""
    least = 0 if chain.finality.tag_only else LEAST_READ_AGAIN
    return max(1, read.final_height - max(READ_AGAIN * chain.finality.blocks, least))


def read_since(read: Progress | None, chain: Chain, sweep: Sweep) -> int:
    """Return the height above which a sweep tells what is final: what was final before, or where it began anew."""
    if read is None:
        return sweep.final_height
    return read.final_height if read.checkpoint else begins_at(read, chain) - 1


def _forget_position(conn: Connection, read: Progress) -> None:
    """Say of pending payments whose block did not count that they stood no higher than we had read.

    Only the position knew their blocks; without any height they would be waited for for ever.
    """
    adrift = update(payments).where(
        payments.c.chain == read.chain, payments.c.state == PaymentState.PENDING, payments.c.height.is_(None)
    )
    conn.execute(adrift.values(height=read.tip_height))
