"""Asks Hive nodes which keys an account has now, within narrow bounds, for the door.

Its endpoints, connections and places in the queue are its own, apart from the watcher's. A node that lags would still
name keys that were changed: its newest block must be young.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from chains.account import Account
from chains.hive import authorities
from chains.hive.digest import SHAPES
from chains.hive.reader import identify
from chains.reading import believed, together
from chains.rpc import Call, EndpointError, Observer, Refusal, Spoken, Trouble, ignore
from chains.wire import HttpWire, JsonRpcTransport
from config.clock import Clock, utc_now
from config.settings import ChainSettings
from verifier.port import KeyAuthorities
from verifier.verdict import Inconclusive, Invalid

LARGEST_ANSWER = 2**20
"""Bytes. An account's answer carries its profile, which may be long."""
MOST_KEPT = 10_000
"""Accounts whose keys are remembered at once."""

_ACCOUNTS = "database_api.find_accounts"
_PROPERTIES = "database_api.get_dynamic_global_properties"

Answer = KeyAuthorities | Invalid


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What one question may cost, and how many may be asked at once of a chain."""

    seconds: float = 2.0  # the wait for a place included
    in_flight: int = 16
    kept: float = 5.0  # seconds for which an answer is good
    late: timedelta = timedelta(seconds=30)  # the age of its newest block from which on a node lags


class _Node:
    """One endpoint of a chain."""

    def __init__(self, index: int, url: str, connections: int) -> None:
        self.index = index  # its place in the configuration
        self._transport = JsonRpcTransport(HttpWire(url, connections=connections, largest=LARGEST_ANSWER))
        self._identified = False

    async def authorities(self, account: Account, not_before: datetime) -> KeyAuthorities | None:
        """Return the account's keys; None where the chain has no such account. Raises EndpointError."""
        if not self._identified:
            said = await identify(self._transport)
            if said != account.chain:
                raise EndpointError(Trouble.WRONG_CHAIN)
            self._identified = True
        try:
            properties, found = await together(
                (
                    self._asked(Call(method=_PROPERTIES, params={})),
                    self._asked(Call(method=_ACCOUNTS, params={"accounts": [account.address]})),
                )
            )
        except EndpointError:
            self._identified = False
            raise
        if _moment(properties) < not_before:
            raise EndpointError(Trouble.LAGGING)
        return believed(authorities.of_account(found, account.address))

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _asked(self, call: Call) -> Any:
        answer = await self._transport.call(call)
        if isinstance(answer, Refusal):
            raise answer.error
        return answer


class _Pool:
    """The endpoints of one chain, the last one that answered first, the places before them, and what they said."""

    def __init__(self, urls: Sequence[str], in_flight: int) -> None:
        self.nodes = [_Node(index, url, in_flight) for index, url in enumerate(urls)]
        self.places = asyncio.Semaphore(in_flight)
        self._kept: dict[str, tuple[float, Answer]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, name: str) -> asyncio.Lock:
        """Return what lets one ask about an account at a time: whoever comes meanwhile is told the same."""
        return self._turns.setdefault(name, asyncio.Lock())

    def put_last(self, node: _Node) -> None:
        """Ask this one after all others from now on."""
        self.nodes.sort(key=lambda other: other is node)

    def remembered(self, name: str, now: float) -> Answer | None:
        """Return what was said of an account while it is still good."""
        until, answer = self._kept.get(name, (now, None))
        return answer if now < until else None

    def remember(self, name: str, answer: Answer, now: float, until: float) -> None:
        """Keep an answer; what is no longer good goes first where there are too many."""
        if len(self._kept) >= MOST_KEPT:
            self._kept = {other: kept for other, kept in self._kept.items() if now < kept[0]}
        if len(self._kept) < MOST_KEPT:
            self._kept[name] = until, answer


SECOND_OPINION = 0.5
"""Seconds that the second of two endpoints has once the first has answered: one alone could let anybody in."""


class HiveLookup:
    """The `verifier.port.AuthorityLookup` of Hive chains."""

    def __init__(
        self,
        endpoints: Mapping[str, Sequence[str]],
        *,
        bounds: Bounds | None = None,
        observer: Observer = ignore,
        clock: Clock = utc_now,
    ) -> None:
        """Take the URLs by CAIP-2 id. Nothing is opened before the first question."""
        self._bounds = bounds or Bounds()
        self._observer = observer
        self._clock = clock
        self._pools = {chain: _Pool(urls, self._bounds.in_flight) for chain, urls in endpoints.items()}

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:
        """Return the account's posting and active keys as they are now, or were some seconds ago."""
        pool = self._pools.get(account.chain)
        if pool is None:
            return Inconclusive(reason=f"no endpoint of {account.chain} is configured here", passing=False)
        time = asyncio.get_running_loop().time
        deadline = time() + self._bounds.seconds
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout_at(deadline):
                    await held.enter_async_context(pool.turn(account.address))
                    remembered = pool.remembered(account.address, time())
                    if remembered is not None:
                        return remembered
                    await held.enter_async_context(pool.places)
            except TimeoutError:
                return Inconclusive(reason=f"too many questions to {account.chain} are under way")
            return await self._ask(account, pool, deadline, time)

    async def aclose(self) -> None:
        """Close the connections. Safe to call twice."""
        for pool in self._pools.values():
            for node in pool.nodes:
                await node.aclose()

    async def _ask(
        self, account: Account, pool: _Pool, deadline: float, time: Callable[[], float]
    ) -> KeyAuthorities | Invalid | Inconclusive:
        """Ask two endpoints at once and then one after the other, giving each turn an equal share of the time left."""
        nodes = tuple(pool.nodes)
        turns = [nodes[:2], *((node,) for node in nodes[2:])]
        for place, turn in enumerate(turns):
            asked_at = time()
            answers = await self._told(account, pool, turn, (deadline - asked_at) / (len(turns) - place))
            if len(answers) > 1 and answers[0] != answers[1]:  # one of them lies, or a key was changed just now
                return Inconclusive(reason=f"the endpoints of {account.chain} do not tell the same of the account")
            if answers:
                pool.remember(account.address, answers[0], time(), asked_at + self._bounds.kept)
                return answers[0]
        return Inconclusive(reason=f"no endpoint of {account.chain} gave a usable answer")

    async def _told(self, account: Account, pool: _Pool, nodes: Sequence[_Node], seconds: float) -> list[Answer]:
        """Return what these endpoints say; whoever is much later than the other is not waited for."""
        asked = {asyncio.create_task(self._one(account, node)): node for node in nodes}
        try:
            done, late = await asyncio.wait(asked, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if done and late:
                also, late = await asyncio.wait(late, timeout=min(SECOND_OPINION, seconds))
                done |= also
        finally:
            for task in asked:
                task.cancel()
        answers = {asked[task]: task.result() for task in done}
        for node in nodes:
            told = answers.get(node, Trouble.UNREACHABLE)
            trouble = told if isinstance(told, Trouble) else None
            self._observer(Spoken(chain=account.chain, endpoint=node.index, method=_ACCOUNTS, trouble=trouble))
            if trouble is not None:
                pool.put_last(node)
        return [told for told in answers.values() if not isinstance(told, Trouble)]

    async def _one(self, account: Account, node: _Node) -> Answer | Trouble:
        try:
            found = await node.authorities(account, self._clock() - self._bounds.late)
        except EndpointError as error:
            return error.trouble
        return Invalid(reason="the chain has no such account") if found is None else found


def open_hive_lookup(
    chains: Mapping[str, ChainSettings],
    *,
    bounds: Bounds | None = None,
    observer: Observer = ignore,
    clock: Clock = utc_now,
) -> HiveLookup:
    """Return the lookup for every Hive chain of the settings (by CAIP-2 id)."""
    endpoints = {
        chain: [endpoint.url.get_secret_value() for endpoint in settings.endpoints]
        for chain, settings in chains.items()
        if chain.startswith("hive:")
    }
    return HiveLookup(endpoints, bounds=bounds, observer=observer, clock=clock)


def _moment(properties: Any) -> datetime:
    """Return the time of a node's newest block. Raises EndpointError."""
    try:
        return datetime.fromisoformat(properties["time"]).replace(tzinfo=UTC)
    except SHAPES:
        raise EndpointError(Trouble.MALFORMED, "no properties of a chain") from None
