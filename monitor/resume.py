"""The operator's word after a chain was stopped: go on. Whether what stopped it is over, only a person can tell."""

from sqlalchemy import Connection, delete, update

from chains.progress import Status
from chains.schema import checkpoints


def resume(conn: Connection, chain: str, *, anew: bool = False) -> bool:
    """Let a stopped chain be followed again from where it was; False if it is not stopped.

    `anew` forgets how far it was read and begins again at the configured height, or at the chain's present tip: needed
    after a reorg below finality, whose old position is on no chain any more. Payments that are known stay known.
    """
    stopped = (checkpoints.c.chain == chain) & (checkpoints.c.status == Status.STOPPED)
    if anew:
        return conn.execute(delete(checkpoints).where(stopped)).rowcount == 1
    going_on = update(checkpoints).where(stopped).values(status=Status.FOLLOWING, reason=None)
    return conn.execute(going_on).rowcount == 1
