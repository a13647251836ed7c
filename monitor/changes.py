"""What a sweep changes about the payments we know. Pure: records in, records out; their outcome is decided elsewhere.

`changes` compares, `replay` adds up: all changes of a chain's history, replayed from nothing, give the live records.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chains.port import Payment, PaymentKey, Sweep
from tickets.lateness import first_known
from tickets.till import PAYMENT_STATES, Outcome, PaymentRecord, PaymentState

Records = Mapping[PaymentKey, PaymentRecord]


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What is new, each record as it stands afterwards. A record stands in one of the first four, or in none."""

    recorded: tuple[PaymentRecord, ...] = ()  # never seen before
    confirmed: tuple[PaymentRecord, ...] = ()  # deeper now, or in another block
    returned: tuple[PaymentRecord, ...] = ()  # had been gone
    gone: tuple[PaymentRecord, ...] = ()  # proved replaced
    finalised: tuple[PaymentRecord, ...] = ()  # can change no more; stands among the first three as well

    @property
    def records(self) -> tuple[PaymentRecord, ...]:
        """Every record that changed, once."""
        return (*self.recorded, *self.confirmed, *self.returned, *self.gone)


def changes(known: Records, sweep: Sweep, now: datetime) -> Changes:
    """Return what a sweep changes. `known` holds at least those of its payments that were ever recorded."""
    sighted = _sighted(sweep, now)
    recorded: list[PaymentRecord] = []
    confirmed: list[PaymentRecord] = []
    returned: list[PaymentRecord] = []
    for key, sighting in sighted.items():
        before = known.get(key)
        if before is None:
            recorded.append(sighting)
        elif (after := _moved(before, sighting)) != before:
            (confirmed if before.standing else returned).append(after)
    gone = [
        _fallen(known[key])
        for key in sweep.gone
        if key not in sighted and key in known and PAYMENT_STATES.allows(known[key].state, PaymentState.GONE)
    ]
    return Changes(
        recorded=tuple(recorded),
        confirmed=tuple(confirmed),
        returned=tuple(returned),
        gone=tuple(gone),
        finalised=tuple(r for r in (*recorded, *confirmed, *returned) if r.state is PaymentState.FINAL),
    )


def replay(known: Records, happened: Iterable[Changes]) -> dict[PaymentKey, PaymentRecord]:
    """Return the records after these changes."""
    records = dict(known)
    for change in happened:
        records.update((record.key, record) for record in change.records)
    return records


def _sighted(sweep: Sweep, now: datetime) -> dict[PaymentKey, PaymentRecord]:
    """Return each payment of the sweep as if it were seen for the first time, in the chain's order."""
    sighted: dict[PaymentKey, PaymentRecord] = {}
    for payment in sweep.final:
        depth = 0 if payment.block is None else sweep.tip.height - payment.block.height + 1
        sighted.setdefault(payment.key, _first_sight(payment, depth, PaymentState.FINAL, now))
    for pending in sweep.pending:
        entry = _first_sight(pending.payment, pending.confirmations, PaymentState.PENDING, now)
        sighted.setdefault(pending.payment.key, entry)
    return sighted


def _first_sight(payment: Payment, confirmations: int, state: PaymentState, now: datetime) -> PaymentRecord:
    block = payment.block
    return PaymentRecord(
        key=payment.key,
        asset=payment.asset,
        amount=payment.amount,
        destination=payment.destination,
        sender=payment.sender,
        direct=payment.direct,
        memos=payment.memos,
        internal=payment.internal,
        state=state,
        confirmations=confirmations,
        height=block.height if block else None,
        block_hash=block.hash if block else None,
        block_time=block.time if block else None,
        first_seen=first_known(now, block.time if block else None),
        outcome=Outcome.INTERNAL if payment.internal else Outcome.WAITING,
    )


def _moved(before: PaymentRecord, sighting: PaymentRecord) -> PaymentRecord:
    """Return a known payment at its present place; what is final moves no more."""
    if not PAYMENT_STATES.moves[before.state]:
        return before
    return replace(
        before,
        state=sighting.state,
        confirmations=sighting.confirmations,
        height=sighting.height,
        block_hash=sighting.block_hash,
        block_time=sighting.block_time,
        first_seen=min(before.first_seen, sighting.first_seen),
    )


def _fallen(before: PaymentRecord) -> PaymentRecord:
    return replace(before, state=PaymentState.GONE, confirmations=0, height=None, block_hash=None, block_time=None)
