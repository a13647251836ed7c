"""How far each chain was read, stored in the caller's transaction. What a checkpoint means is its family's business."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, bindparam, select, update

from chains.port import Checkpoint, Sweep
from chains.schema import checkpoints
from store.upsert import insert_ignore, upsert


class Status(StrEnum):
    """Whether a chain is being followed; payments in the assets of one that is not cannot be sold for."""

    FOLLOWING = "following"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far one chain was read."""

    chain: str  # CAIP-2
    checkpoint: Checkpoint
    tip_height: int
    tip_time: datetime
    final_height: int
    polled_at: datetime  # the last poll that succeeded
    caught_up_at: datetime | None  # the last one after which nothing more was ready to be read
    status: Status
    reason: str | None  # why it stopped

    @property
    def begun(self) -> bool:
        """Whether anything of the chain was ever read; it may have stopped before."""
        return bool(self.checkpoint) or self.tip_height > 0


_ALL = select(checkpoints).order_by(checkpoints.c.chain)
_ONE = select(checkpoints).where(checkpoints.c.chain == bindparam("of"))
_ONE_LOCKED = _ONE.with_for_update()


def load(conn: Connection, chain: str) -> Progress | None:
    """Return how far a chain was read, None if never."""
    row = conn.execute(_ONE, {"of": chain}).one_or_none()
    return _progress(row) if row else None


def lock(conn: Connection, chain: str) -> Progress | None:
    """Return how far a chain was read, and let nobody else change what follows from it until the transaction ends."""
    row = conn.execute(_ONE_LOCKED, {"of": chain}).one_or_none()
    return _progress(row) if row else None


def save(conn: Connection, chain: str, sweep: Sweep, now: datetime) -> None:
    """Store where a poll ended. A chain that was stopped is followed again."""
    row = {
        "chain": chain,
        "state": json.dumps(sweep.checkpoint, separators=(",", ":")),
        "tip_height": sweep.tip.height,
        "tip_time": sweep.tip.time,
        "final_height": sweep.final_height,
        "polled_at": now,
        **({} if sweep.behind else {"caught_up_at": now}),
        "status": Status.FOLLOWING,
        "reason": None,
    }
    upsert(conn, checkpoints, row, key=("chain",))


def stop(conn: Connection, chain: str, reason: str, now: datetime) -> None:
    """Mark a chain as stopped until the operator has looked at it.

    The reason opens with the time of the stop; `polled_at` keeps the last poll that succeeded. A chain never read gets
    a row for its stop, with the time of that as the only one there is.
    """
    stopped = {"status": Status.STOPPED, "reason": f"{now.isoformat(timespec='seconds')} {reason}"}
    nowhere = {"state": "{}", "tip_height": 0, "tip_time": now, "final_height": 0, "polled_at": now}
    insert_ignore(conn, checkpoints, [{"chain": chain, **nowhere, **stopped}])
    conn.execute(update(checkpoints).where(checkpoints.c.chain == chain).values(stopped))


def status_of(conn: Connection) -> tuple[Progress, ...]:
    """Return how far every chain was read, by name."""
    return tuple(_progress(row) for row in conn.execute(_ALL))


def _progress(row: Row[tuple[object, ...]]) -> Progress:
    return Progress(
        chain=row.chain,
        checkpoint=json.loads(row.state),
        tip_height=row.tip_height,
        tip_time=row.tip_time,
        final_height=row.final_height,
        polled_at=row.polled_at,
        caught_up_at=row.caught_up_at,
        status=Status(row.status),
        reason=row.reason,
    )
