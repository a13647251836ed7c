"""The operator's word after a chain was stopped: go on. Whether what stopped it is over, only a person can tell."""

from sqlalchemy import Connection, update

from chains.progress import Status
from chains.schema import checkpoints


def resume(conn: Connection, chain: str, *, anew: bool = False) -> bool:
    """Let a stopped chain be followed again from where it was; False if it is not stopped.

    `anew` forgets the position, which after a reorg below finality is on no chain any more: the watcher begins again
    well below what was final (`watcher.READ_AGAIN`). Nothing is skipped, and payments that are known stay known.
    """
    going_on = update(checkpoints).where(checkpoints.c.chain == chain, checkpoints.c.status == Status.STOPPED)
    values = {"status": Status.FOLLOWING, "reason": None, **({"state": "{}"} if anew else {})}
    return conn.execute(going_on.values(values)).rowcount == 1
