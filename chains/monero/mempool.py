"""Asks daemons what they have of transactions outside the blocks that were read. What it means stands in `pool`."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chains.errors import TransientError
from chains.failover import Endpoints
from chains.monero.burnt import Owners, buried, burnt
from chains.monero.pool import MOST_AT_ONCE, Look, Queue, Seen, check_spent, check_transactions, double_spent
from chains.port import PaymentKey
from chains.reading import believed
from chains.rpc import Endpoint
from chains.waiting import Waiting

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mempool:
    """The pools of the chain's daemons."""

    endpoints: Endpoints

    async def seen(self, txids: Collection[str]) -> dict[str, Seen]:
        """Return what a daemon has of these transactions, in its pool or in a block. Raises TransientError."""
        if not txids:
            return {}
        return await self.endpoints.ask(lambda endpoint: _transactions(endpoint, txids))

    async def look(self, waits: Queue) -> Look | None:
        """Return what daemons say of what waits; None where none answers."""
        txids = {one.txid for one in waits.known} | {one.key.txid for one in waits.new}
        try:
            seen = await self.seen(txids)
            missing = [one for one in waits.known if one.txid not in seen]
            return Look(seen=seen, double_spent=await self._double_spent(missing))
        except TransientError:
            return None

    async def _double_spent(self, waiting: Sequence[Waiting]) -> frozenset[str]:
        """Return those of which a daemon, and a second one where there is one, says that they were double spent."""
        if not waiting:
            return frozenset()
        return await self._agreed(lambda endpoint: _double_spent(endpoint, waiting))

    async def burnt(self, those: Collection[Waiting], owners: Owners, final_height: int) -> frozenset[PaymentKey]:
        """Return those that stand in a final block and bring nothing, by the word of a daemon, and of a second one."""
        try:
            return await self._agreed(lambda endpoint: _burnt(endpoint, those, owners, final_height))
        except TransientError:
            return frozenset()

    async def _agreed(self, question: Callable[[Endpoint], Awaitable[tuple[Endpoint, frozenset[T]]]]) -> frozenset[T]:
        """Return what a daemon tells, and a second one where there is one."""
        first, told = await self.endpoints.ask(question)
        if told and self.endpoints.several:
            second = await self.endpoints.ask_another([first], question)
            told = told & second[1] if second is not None else frozenset()
        return told


async def _transactions(endpoint: Endpoint, txids: Iterable[str]) -> dict[str, Seen]:
    seen: dict[str, Seen] = {}
    for part in _parts(sorted(txids)):
        answer = await endpoint.call("/get_transactions", txs_hashes=part, decode_as_json=True)
        seen |= believed(check_transactions(answer))
    return seen


async def _double_spent(endpoint: Endpoint, waiting: Sequence[Waiting]) -> tuple[Endpoint, frozenset[str]]:
    seen = await _transactions(endpoint, {one.txid for one in waiting})
    images = sorted({image for one in waiting if one.txid not in seen for image, _ in one.needs})
    spent: frozenset[bytes] = frozenset()
    for part in _parts(images):
        answer = await endpoint.call("/is_key_image_spent", key_images=[image.hex() for image in part])
        spent |= believed(check_spent(answer, part))
    return endpoint, double_spent(waiting, seen, spent)


async def _burnt(
    endpoint: Endpoint, those: Collection[Waiting], owners: Owners, final_height: int
) -> tuple[Endpoint, frozenset[PaymentKey]]:
    seen = await _transactions(endpoint, {one.txid for one in those})
    return endpoint, burnt(buried(those, seen, final_height), seen, owners)


def _parts(items: Sequence[T]) -> Iterable[list[T]]:
    return ([*items[at : at + MOST_AT_ONCE]] for at in range(0, len(items), MOST_AT_ONCE))
