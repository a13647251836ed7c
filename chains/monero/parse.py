"""What a view-only wallet tells of its transfers, and the payments to us in it. Pure: nothing here raises.

The wallet tells once per transaction and subaddress, its outputs added up: that is a payment's place, (major, minor).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.monero import address as monero
from chains.port import Block, Payment, PaymentKey, Watch
from chains.position import moment
from config.registry import Chain

_HASH = re.compile(r"[0-9a-f]{64}")
_PAYMENT_ID = re.compile(r"[0-9a-f]{16}")
_NO_PAYMENT_ID = "0" * 16
_ARRIVED = ("in", "block")  # `block`: paid by a coinbase
_POOL = "pool"
_SENT = "out"
_KINDS = {"in", _SENT, _POOL, "pending", "failed"}
MOST = 2**64 - 1
"""Amounts and lock times are 64 bits on the chain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """What one transaction brought to one address of account 0."""

    txid: str
    minor: int
    address: str  # as the wallet writes it
    amount: int  # atomic units; 0 where a pool transaction's outputs were known from a block that is no more
    height: int | None  # None: it waits in the pool
    unlock_time: int = 0  # 0: spendable like any other; else a height, or from 500,000,000 on seconds since 1970
    payment_id: str | None = None  # 16 hex digits; change has a meaningless one

    @property
    def index(self) -> str:
        """The payment's place in its transaction."""
        return f"0,{self.minor}"

    @property
    def place(self) -> tuple[str, str]:
        """What tells it from every other."""
        return self.txid, self.index


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An answer of the wallet."""

    arrived: tuple[Transfer, ...]  # in blocks, by height
    waiting: tuple[Transfer, ...]  # in the pool
    sent: Mapping[str, int] = field(default_factory=dict)  # height by txid: our own spends, where key images show them


def check_transfers(raw: Any) -> Told | Distrusted:
    """Read the answer of `get_transfers`: lists by kind. Other accounts than the first are left out."""
    if not isinstance(raw, Mapping) or (raw and not raw.keys() & _KINDS):
        return Distrusted(reason="the wallet's transfers are no lists by kind")
    arrived: list[Transfer] = []
    waiting: list[Transfer] = []
    sent: dict[str, int] = {}
    for kind in ("in", _SENT, _POOL):
        entries = raw.get(kind, [])
        if not isinstance(entries, list):
            return Distrusted(reason=f"the wallet's transfers {kind!r} are no list")
        for entry in entries:
            read = _transfer(entry)
            if isinstance(read, Distrusted):
                return read
            if entry["type"] == _SENT:
                sent[read.txid] = read.height or 0
            elif read.minor >= 0:
                (arrived if read.height is not None else waiting).append(read)
    together = _added_up(arrived)
    if isinstance(together, Distrusted):
        return together
    queued = _added_up(waiting)
    if isinstance(queued, Distrusted):
        return queued
    return Told(arrived=together, waiting=queued, sent=sent)


def by_kind(raw: Any) -> Any:
    """Turn the answer of `get_transfer_by_txid` into that of `get_transfers`."""
    entries = raw.get("transfers", [raw.get("transfer")]) if isinstance(raw, Mapping) else None
    if not isinstance(entries, list):
        return None
    kinds: defaultdict[str, list[Any]] = defaultdict(list)
    for entry in entries:
        kind = entry.get("type") if isinstance(entry, Mapping) else None
        kinds["in" if kind in _ARRIVED else str(kind)].append(entry)
    return kinds


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """Which transfers are payments to us, and of which kind."""

    chain: Chain
    watch: Watch
    addresses: Mapping[int, str]  # by index: those of the watched addresses that the wallet can see
    spends: frozenset[str] = frozenset()  # transactions of our own

    def reported(self, transfer: Transfer) -> bool:
        """Whether it is a payment to a watched address."""
        own = self.addresses.get(transfer.minor)
        return transfer.amount > 0 and (own in self.watch or bool(self._references(transfer)))

    def strange(self, transfers: Iterable[Transfer]) -> Transfer | None:
        """Return one whose address the wallet writes otherwise than we do, if there is one: it is another wallet."""
        return next((one for one in transfers if self.addresses.get(one.minor, one.address) != one.address), None)

    def payment(self, transfer: Transfer, block: Block | None) -> Payment:
        """Return a reported transfer as a payment."""
        return Payment(
            key=PaymentKey(chain=self.chain.id, txid=transfer.txid, index=transfer.index),
            asset=self.chain.native.id,
            amount=transfer.amount,
            destination=transfer.address,
            sender=None,  # hidden by the chain
            memos=(),
            block=block,
            internal=transfer.txid in self.spends,
            references=self._references(transfer),
        )

    def strays(self, transfers: Iterable[Transfer]) -> frozenset[str]:
        """Return the transactions that pay the primary address and name no order: our own change looks like that."""
        return frozenset(
            one.txid for one in transfers if one.minor == 0 and self.reported(one) and not self._references(one)
        )

    def _references(self, transfer: Transfer) -> tuple[str, ...]:
        """Return the integrated address that was paid, if it is watched."""
        own = self.addresses.get(0)
        if transfer.minor != 0 or transfer.payment_id is None or own is None:
            return ()
        integrated = monero.integrated(own, transfer.payment_id, self.chain.network)
        return (integrated,) if integrated is not None and integrated in self.watch else ()


def payments_in(link: Link, transfers: Iterable[Transfer], ours: Ours) -> tuple[Payment, ...]:
    """Return the payments among the transfers of one block, in order of transaction and index."""
    block = Block(height=link.height, hash=link.hash, time=moment(link.time))
    return _payments(transfers, ours, block)


def payments_waiting(transfers: Iterable[Transfer], ours: Ours) -> tuple[Payment, ...]:
    """Return the payments among the transfers in the pool."""
    return _payments(transfers, ours, None)


def _payments(transfers: Iterable[Transfer], ours: Ours, block: Block | None) -> tuple[Payment, ...]:
    ordered = sorted(transfers, key=lambda one: (one.txid, one.minor))
    return tuple(ours.payment(one, block) for one in ordered if ours.reported(one))


def _transfer(entry: Any) -> Transfer | Distrusted:
    """Read one entry; those of other accounts have an index below zero."""
    match entry:
        case {
            "txid": str() as txid,
            "type": str() as kind,
            "address": str() as address,
            "amount": int() as amount,
            "height": int() as height,
            "unlock_time": int() as unlock_time,
            "subaddr_index": {"major": int() as major, "minor": int() as minor},
        } if _HASH.fullmatch(txid):
            pass
        case _:
            return Distrusted(reason="a transfer of the wallet lacks its transaction, address, amount, height or lock")
    numbers = (amount, height, unlock_time, major, minor)
    if not all(0 <= number <= MOST for number in numbers):
        return Distrusted(reason=f"a transfer in {txid} has an impossible number")
    if kind not in (*_ARRIVED, _POOL, _SENT) or (kind in _ARRIVED and height == 0):
        return Distrusted(reason=f"a transfer in {txid} is of no known kind, or in no block")
    payment_id = entry.get("payment_id")
    named = isinstance(payment_id, str) and _PAYMENT_ID.fullmatch(payment_id) and payment_id != _NO_PAYMENT_ID
    return Transfer(
        txid=txid,
        minor=minor if major == 0 else -1,
        address=address,
        amount=amount,
        height=None if kind == _POOL else height,
        unlock_time=unlock_time,
        payment_id=payment_id if named else None,
    )


def _added_up(transfers: Iterable[Transfer]) -> tuple[Transfer, ...] | Distrusted:
    """Return one transfer per place; a wallet may tell of each output to a subaddress by itself."""
    places: dict[tuple[str, str], Transfer] = {}
    for transfer in transfers:
        before = places.get(transfer.place)
        if before is not None and replace(before, amount=transfer.amount) != transfer:
            return Distrusted(reason=f"the wallet tells of {transfer.txid} in two ways")
        places[transfer.place] = transfer if before is None else replace(before, amount=before.amount + transfer.amount)
    return tuple(sorted(places.values(), key=_order))


def _order(transfer: Transfer) -> tuple[int, str, int]:
    return transfer.height or 0, transfer.txid, transfer.minor
