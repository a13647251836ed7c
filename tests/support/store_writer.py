"""A process that writes as fast as it can and says what was answered, until it is killed: `python -m … URL`."""

import asyncio
import sys

from store.engine import open_store
from store.schema import counters
from store.upsert import insert_ignore

TASKS = 40


async def write(url: str) -> None:
    """Write for ever, with many works waiting at any time."""
    store = open_store(url)

    async def keep_writing(task: int) -> None:
        number = 0
        while True:
            row = {"name": f"{task}-{number}", "value": 1}
            await store.transact(lambda conn, row=row: insert_ignore(conn, counters, [row]))
            sys.stdout.write(f"{row['name']}\n")
            sys.stdout.flush()
            number += 1

    await asyncio.gather(*(keep_writing(task) for task in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
