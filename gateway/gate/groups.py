"""Many requests, one transaction: what arrives while a commit is under way goes together into the next one.

A statement costs most of its time per statement, not per row; that is where the gate's rate comes from (DESIGN §10).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

from sqlalchemy import Connection

from store.engine import Store
from store.errors import StoreOverloadedError

T = TypeVar("T")
R = TypeVar("R")

SIZE = 128
"""Items of one transaction at most; beyond this the first of a group waits too long for its answer."""
GATHER_SECONDS = 0.005
"""How long a group gathers at most while more arrive. A commit takes about as long, and costs most of its time once."""
TURNS = 3
"""Turns of the event loop that a request takes at most from its bytes to its place in the group."""
WAITING = 10_000
"""Items that may wait before new ones are refused."""


class Group(Generic[T, R]):
    """Runs `work` over items in groups. The work must be rerunnable and answer each item in its place."""

    def __init__(
        self,
        store: Store,
        work: Callable[[Connection, Sequence[T]], Sequence[R]],
        *,
        apart: Callable[[T], Hashable] = id,
    ) -> None:
        """Items for which `apart` gives the same value never share a transaction: one comes after the other."""
        self._store = store
        self._work = work
        self._apart = apart
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Return what the work made of the item, once it is stored. Raises StoreError where nothing was."""
        if len(self._waiting) >= WAITING:
            raise StoreOverloadedError
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                await self._commit(self._next())
        finally:
            self._running = None

    async def _gather(self) -> None:
        """Wait until the loop brings nothing more: a writer thread beside a busy loop costs both of them dearly."""
        clock = asyncio.get_running_loop().time
        until, seen = clock() + GATHER_SECONDS, 0
        while seen < len(self._waiting) < SIZE and clock() < until:
            seen = len(self._waiting)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def _next(self) -> list[tuple[T, asyncio.Future[R]]]:
        """Take the next group in order of arrival; an item that must stay apart from one in it keeps its turn."""
        group: dict[Hashable, tuple[T, asyncio.Future[R]]] = {}
        later: list[tuple[T, asyncio.Future[R]]] = []
        while self._waiting and len(group) < SIZE:
            entry = self._waiting.popleft()
            key = self._apart(entry[0])
            if key in group:
                later.append(entry)
            else:
                group[key] = entry
        self._waiting.extendleft(reversed(later))
        return list(group.values())

    async def _commit(self, group: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        items = [item for item, _ in group]
        try:
            results = await self._store.transact(partial(_apply, self._work, items))
        except Exception as error:  # noqa: BLE001  handed to everyone who asked
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():  # the one who asked went away; what was stored stands
                future.set_result(result)


def _apply(work: Callable[[Connection, Sequence[T]], Sequence[R]], items: Sequence[T], conn: Connection) -> Sequence[R]:
    return work(conn, items)
