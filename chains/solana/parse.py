"""From what a transaction did to the payments in it: what arrived counts, and balances say what arrived. Pure.

A transfer is one payment, with its place in the transaction as index. What a balance gained beyond all transfers into
it (a closed account, lamports that a program moved, tokens minted) is one more, `internal.<place of the account>`;
where less arrived than was sent (Token-2022 fees), the first transfer stands for all that came. Not payments: failed
transactions, tokens that are not on the list, rent of token accounts, and what our wallets send to themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chains.distrust import Distrusted
from chains.port import Block, Payment, PaymentKey
from chains.position import moment
from chains.solana.fields import MALFORMED, text, whole
from chains.solana.instructions import Memo, Transfer
from chains.solana.ours import Ours
from chains.solana.transaction import Executed
from memo.carriers import texts_of

UNEXPLAINED = "internal"
LATEST = 2**34
"""Seconds since 1970 that no honest block carries: the year 2514."""
CLOCK_SIZE = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A block as far as payments need it."""

    slot: int
    hash: str
    parent: int  # slot
    time: int  # seconds since 1970
    txids: tuple[str, ...] | None = None  # in order, where they were asked for

    @property
    def block(self) -> Block:
        """The block as payments name it."""
        return Block(height=self.slot, hash=self.hash, time=moment(self.time))


def check_header(raw: Any, slot: int) -> Header | Distrusted:
    """Return what getBlock says of the block in a slot."""
    try:
        signatures = raw.get("signatures")
        header = Header(
            slot=slot,
            hash=text(raw["blockhash"]),
            parent=whole(raw["parentSlot"]),
            time=whole(raw["blockTime"]),
            txids=None if signatures is None else tuple(text(signature) for signature in signatures),
        )
    except MALFORMED as error:
        return Distrusted(reason=f"block {slot} has another shape ({type(error).__name__}: {str(error)[:80]})")
    if header.time > LATEST or (header.parent >= slot > 0):
        return Distrusted(reason=f"block {slot} comes from a far future, or stands below itself")
    return header


def clock_time(data: bytes) -> datetime | Distrusted:
    """Return the time that the clock account holds: the last of five numbers of 64 bits (sysvar `Clock`)."""
    seconds = int.from_bytes(data[32:40], "little", signed=True) if len(data) == CLOCK_SIZE else -1
    return moment(seconds) if 0 <= seconds <= LATEST else Distrusted(reason="the clock account shows no time")


def payments_in(executed: Executed, ours: Ours, block: Block | None) -> tuple[Payment, ...]:
    """Return the payments of a transaction to us, in the order of their places."""
    arrivals = [] if executed.failed else sorted(_arrivals(executed, ours), key=_order)
    if not arrivals:
        return ()
    memos = texts_of(action.data for action in executed.actions if isinstance(action, Memo))
    references = ours.references(executed.keys)
    internal = not ours.wallets.isdisjoint(executed.signers)
    return tuple(
        Payment(
            key=PaymentKey(chain=ours.chain, txid=executed.txid, index=arrival.index),
            asset=arrival.asset,
            amount=arrival.amount,
            destination=arrival.wallet,
            sender=arrival.sender,
            memos=memos,
            block=block,
            direct=arrival.sender in executed.signers,
            internal=internal,
            references=references,
        )
        for arrival in arrivals
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Arrival:
    """Value that reached one of our wallets or its token accounts."""

    index: str
    asset: str
    amount: int
    wallet: str
    sender: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Account:
    """One balance of ours, and where it stands in the transaction."""

    place: int
    asset: str
    wallet: str
    gain: int  # by the whole transaction
    spent: int  # what we ourselves sent out of it, fees included


def _arrivals(executed: Executed, ours: Ours) -> Iterator[_Arrival]:
    transfers = [action for action in executed.actions if isinstance(action, Transfer)]
    for place, key in enumerate(executed.keys):
        if key in ours.wallets:
            into = [one for one in transfers if not one.token and one.destination == key != one.source]
            account = _Account(
                place=place,
                asset=ours.native,
                wallet=key,
                gain=executed.after[place] - executed.before[place],
                spent=_spent(executed, transfers, key, token=False) if key in executed.signers else 0,
            )
            yield from _credited(account, [(one, one.source) for one in into])
        held = executed.tokens_after.get(key)
        wallet = None if held is None or held.mint not in ours.tokens else ours.holder(key, held.owner, held.mint)
        if held is None or wallet is None:
            continue
        before = executed.tokens_before.get(key)
        was = before.amount if before is not None and ours.holder(key, before.owner, before.mint) else 0
        into = [one for one in transfers if one.token and one.destination == key != one.source]
        account = _Account(
            place=place,
            asset=ours.tokens[held.mint],
            wallet=wallet,
            gain=held.amount - was,
            spent=_spent(executed, transfers, key, token=True) if wallet in executed.signers else 0,
        )
        yield from _credited(account, [(one, _owner(executed, one.source)) for one in into])


def _credited(account: _Account, into: Sequence[tuple[Transfer, str | None]]) -> Iterator[_Arrival]:
    """Yield the transfers into an account as far as its balance bears them out, and what else it gained."""
    beyond = account.gain + account.spent - sum(transfer.amount for transfer, _ in into)
    if beyond < 0:
        if account.gain > 0:
            senders = {sender for _, sender in into}
            sender = senders.pop() if len(senders) == 1 else None
            yield _arrival(account, into[0][0].index, account.gain, sender)
        return
    for transfer, sender in into:
        if transfer.amount:
            yield _arrival(account, transfer.index, transfer.amount, sender)
    if beyond:
        yield _arrival(account, f"{UNEXPLAINED}.{account.place}", beyond, None)


def _arrival(account: _Account, index: str, amount: int, sender: str | None) -> _Arrival:
    return _Arrival(index=index, asset=account.asset, amount=amount, wallet=account.wallet, sender=sender)


def _spent(executed: Executed, transfers: Sequence[Transfer], key: str, *, token: bool) -> int:
    """Return what left an account of ours by our own will."""
    sent = sum(one.amount for one in transfers if one.token is token and one.source == key != one.destination)
    return sent + (executed.fee if not token and executed.keys[0] == key else 0)


def _owner(executed: Executed, account: str) -> str | None:
    """Return whose token account this was."""
    held = executed.tokens_before.get(account) or executed.tokens_after.get(account)
    return None if held is None else held.owner


def _order(arrival: _Arrival) -> tuple[int, int, int]:
    """Return a key that sorts `2`, `2.0`, `2.1`, `10` and then what no transfer explains."""
    head, _, tail = arrival.index.partition(".")
    return (1, int(tail), 0) if head == UNEXPLAINED else (0, int(head), int(tail) + 1 if tail else 0)
