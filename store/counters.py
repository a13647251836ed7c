"""Numbers in commit order and without gaps: whoever sees n will never see a smaller one appear after it."""

from sqlalchemy import Connection

from store.schema import counters
from store.upsert import insert_into


def next_value(conn: Connection, name: str, *, count: int = 1) -> int:
    """Return the counter's next number, from 1, and keep the `count - 1` that follow it for the caller as well.

    The counter's row stays locked until the transaction ends.
    """
    first = insert_into(conn, counters).values(name=name, value=count)
    following = first.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + count})
    last: int = conn.execute(following.returning(counters.c.value)).scalar_one()
    return last - count + 1
