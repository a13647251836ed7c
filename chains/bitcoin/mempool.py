"""Looks into a Bitcoin node's pool for payments to us. It decides nothing, and misses what comes and goes in between.

Nothing rests on what is seen here: it tells buyers that their payment was noticed, and lets their hold live longer.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from chains.bitcoin.ours import Ours
from chains.bitcoin.parse import origin_of, paid_times, payments_of
from chains.bitcoin.pool import Pool
from chains.bitcoin.transaction import Transaction, read_transaction, shown_outpoint
from chains.bitcoin.transport import UNKNOWN, bytes_of
from chains.reading import listed, served
from chains.rpc import Call, Endpoint, EndpointError, Refusal, Trouble
from chains.waiting import MOST_NEEDED, MOST_WAITING, Waiting, fitting

LOOKED_AT = 2_000
"""Transactions of the pool that one poll looks at; a pool that is full of new ones takes several."""
TELLS_ORIGINS = 250_000
"""Version of Bitcoin Core that tells the origin of what is mined; below, that of what waits is not told either."""
MOST_ANCESTORS = 100
"""Bitcoin Core lets a transaction stand on fewer waiting ones than this."""


@dataclass(kw_only=True, slots=True)
class Foreign:
    """Waiting transactions that were looked at and do not pay us, or are too large to be kept: each is looked at once.

    An address is watched before anybody is shown it: what was seen before that does not pay to it.
    """

    txids: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolReader:
    """One endpoint's pool."""

    endpoint: Endpoint
    ours: Ours
    foreign: Foreign

    async def look(self, tip: str, first: Sequence[str], known: Mapping[str, int]) -> Pool | None:
        """Return what waits and pays us; None where the endpoint's newest block is not `tip`.

        `first`: transactions that are looked for before others. `known`: those that are held
        already, and how many payments they bring.
        """
        newest, network, listing = await self.endpoint.batch(
            [Call(method="getbestblockhash"), Call(method="getnetworkinfo"), Call(method="getrawmempool")]
        )
        if served(newest) != tip:
            return None
        txids = _ids(listed(served(listing)))
        self.foreign.txids &= txids
        wanted = [txid for txid in first if txid in txids]
        wanted += islice(txids - self.foreign.txids - set(known) - set(wanted), LOOKED_AT)
        telling = _version(served(network)) >= TELLS_ORIGINS
        room = MOST_WAITING - sum(payments for txid, payments in known.items() if txid in txids)
        ours = fitting(await self._ours_among(wanted), self._payments, room)
        seen = [await self._waiting(transaction, txids, telling=telling) for transaction in ours]
        return Pool(ours=tuple(waiting for waiting in seen if waiting is not None), txids=frozenset(txids))

    async def _ours_among(self, txids: Sequence[str]) -> list[Transaction]:
        """Return those that pay us and can be kept; remember the others. What has left the pool is passed over."""
        found = await self._transactions(txids)
        ours = [
            one
            for one in found.values()
            if one is not None and 0 < self._payments(one) <= MOST_WAITING and len(one.spends) <= MOST_NEEDED
        ]
        self.foreign.txids |= found.keys() - {one.txid for one in ours}
        return ours

    def _payments(self, transaction: Transaction) -> int:
        return paid_times(transaction, self.ours)

    async def _waiting(self, transaction: Transaction, pool: Collection[str], *, telling: bool) -> Waiting | None:
        """Return a transaction with its origin and what it needs; None where that is spent by now, or too much."""
        coins = await self._coins(transaction)
        missing = {txid for (txid, _), script in coins if script is None}
        ancestors = await self._ancestors(missing, pool)
        spent = [
            script if script is not None else _script_at(ancestors.get(txid), vout) for (txid, vout), script in coins
        ]
        scripts = [script for script in spent if script is not None]
        needs = [(output, one.txid) for one in (transaction, *ancestors.values()) for output in one.spends]
        if len(scripts) < len(spent) or len(needs) > MOST_NEEDED:
            return None
        return Waiting(
            txid=transaction.txid,
            payments=payments_of(transaction, origin_of(scripts if telling else None, self.ours), self.ours, None),
            needs=tuple(needs),
        )

    async def _coins(self, transaction: Transaction) -> list[tuple[tuple[str, int], bytes | None]]:
        """Return what is spent, with its script where it is an output of a block; whoever else spends it, but waits."""
        spends = [shown_outpoint(output) for output in transaction.spends]
        answers = await self.endpoint.batch([Call(method="gettxout", params=(*spent, False)) for spent in spends])
        return [(spent, _script_of(served(answer))) for spent, answer in zip(spends, answers, strict=True)]

    async def _ancestors(self, parents: Collection[str], pool: Collection[str]) -> dict[str, Transaction]:
        """Return the waiting transactions that these are, and those that they stand on."""
        ancestors: dict[str, Transaction] = {}
        generation = set(parents)
        while (asked := sorted(generation.intersection(pool) - ancestors.keys())) and len(ancestors) < MOST_ANCESTORS:
            found = [one for one in (await self._transactions(asked)).values() if one is not None]
            ancestors |= {one.txid: one for one in found}
            generation = {shown_outpoint(output)[0] for one in found for output in one.spends}
        return ancestors

    async def _transactions(self, txids: Sequence[str]) -> dict[str, Transaction | None]:
        """Return the waiting transactions with these ids, without those that wait no more; None: not to be read here.

        Litecoin's carry parts of their extension while they wait, which a block no longer shows (LIP-3).
        """
        answers = await self.endpoint.batch([Call(method="getrawtransaction", params=(txid, False)) for txid in txids])
        return dict(_found(txids, answers))


def _found(txids: Iterable[str], answers: Iterable[Any | Refusal]) -> Iterator[tuple[str, Transaction | None]]:
    for txid, answer in zip(txids, answers, strict=True):
        if isinstance(answer, Refusal) and answer.code == UNKNOWN:
            continue
        transaction = read_transaction(bytes_of(served(answer)))
        if isinstance(transaction, Transaction) and transaction.txid != txid:
            raise EndpointError(Trouble.INCONSISTENT, f"tells of {transaction.txid} for {txid}")
        yield txid, transaction if isinstance(transaction, Transaction) else None


def _script_of(coin: Any) -> bytes | None:
    """Return the script of an answer to gettxout, which is null for what is no unspent output of a block."""
    if coin is None:
        return None
    try:
        return bytes.fromhex(coin["scriptPubKey"]["hex"])
    except (KeyError, TypeError, ValueError) as error:
        raise EndpointError(Trouble.MALFORMED, f"an output without its script ({error!r})") from None


def _script_at(transaction: Transaction | None, vout: int) -> bytes | None:
    if transaction is None or vout >= len(transaction.outputs):
        return None
    return transaction.outputs[vout].script


def _ids(listing: Sequence[Any]) -> set[str]:
    if not all(isinstance(txid, str) for txid in listing):
        raise EndpointError(Trouble.MALFORMED, "the pool holds what is no id")
    return set(listing)


def _version(network: Any) -> int:
    try:
        return int(network["version"])
    except (KeyError, TypeError, ValueError) as error:
        raise EndpointError(Trouble.MALFORMED, f"getnetworkinfo without its fields ({error!r})") from None
