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
    """What is new, each record as it stands afterwards. A record stands in one of the first five, or in none."""

    recorded: tuple[PaymentRecord, ...] = ()  # never seen before, or never with these facts
    confirmed: tuple[PaymentRecord, ...] = ()  # deeper now, or in another block
    returned: tuple[PaymentRecord, ...] = ()  # had been gone
    gone: tuple[PaymentRecord, ...] = ()  # proved replaced
    lost: tuple[PaymentRecord, ...] = ()  # were final, and are not found again; the operator must know
    displaced: tuple[PaymentRecord, ...] = ()  # gone as they were: those in `recorded` that had other facts before
    finalised: tuple[PaymentRecord, ...] = ()  # can change no more; stands among the first three as well

    @property
    def records(self) -> tuple[PaymentRecord, ...]:
        """Every record that changed, once."""
        return (*self.recorded, *self.confirmed, *self.returned, *self.gone, *self.lost)

    @property
    def undone(self) -> tuple[PaymentRecord, ...]:
        """Every record that the chain shows no more as it was."""
        return (*self.gone, *self.displaced)


def changes(known: Records, sweep: Sweep, now: datetime, *, since: int | None = None) -> Changes:
    """Return what a sweep changes. `known` holds its payments so far as they were ever recorded, and `to_be_shown`.

    A payment lives by its facts: told otherwise, the old one is gone and this is a new one. What is final in the sweep
    was read in full, so a payment that stood there and is not shown is proved gone. `since`: the height up to which
    the chain was final before; None: everything that is final was shown before.
    """
    sighted = _sighted(sweep, now)
    recorded: list[PaymentRecord] = []
    confirmed: list[PaymentRecord] = []
    returned: list[PaymentRecord] = []
    displaced: list[PaymentRecord] = []
    unmined: list[PaymentRecord] = []
    for key, sighting in sighted.items():
        before = known.get(key)
        if before is None:
            recorded.append(sighting)
        elif before.facts != sighting.facts and not _settled_for_good(before):
            displaced.append(_fallen(before))
            recorded.append(sighting)
        elif _unmined(before, sighting):
            unmined += [_fallen(before)] if before.standing else []
        elif (after := _moved(before, sighting)) != before:
            (confirmed if before.standing else returned).append(after)
    replaced = {*sweep.gone, *(record.key for record in known.values() if _buried(record, sweep))} - sighted.keys()
    falling = (record for key, record in known.items() if key in replaced)
    lost = [] if since is None else [record for record in known.values() if _lost(record, sighted, sweep, since)]
    return Changes(
        recorded=tuple(recorded),
        confirmed=tuple(confirmed),
        returned=tuple(returned),
        gone=(
            *(_fallen(record) for record in falling if PAYMENT_STATES.allows(record.state, PaymentState.GONE)),
            *unmined,
        ),
        lost=tuple(replace(record, state=PaymentState.LOST) for record in lost),
        displaced=tuple(displaced),
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
        references=payment.references,
        state=state,
        confirmations=confirmations,
        height=block.height if block else None,
        block_hash=block.hash if block else None,
        block_time=block.time if block else None,
        first_seen=first_known(now, block.time if block else None),
        outcome=Outcome.INTERNAL if payment.internal else Outcome.WAITING,
    )


def _settled_for_good(record: PaymentRecord) -> bool:
    """Return whether it is in the book, which no chain rewrites."""
    return record.state in {PaymentState.FINAL, PaymentState.LOST}


def _unmined(before: PaymentRecord, sighting: PaymentRecord) -> bool:
    """Return whether what made tickets lost its block and waits to be mined again, so that no depth speaks for it.

    Another block stands at its height: it is gone until it is in one. What has bought nothing just waits on.
    """
    bought = before.outcome is Outcome.MINTED and not _settled_for_good(before)
    return bought and sighting.state is PaymentState.PENDING and sighting.height is None


def _buried(record: PaymentRecord, sweep: Sweep) -> bool:
    """Return whether the block it stood in is final by now."""
    unfinal = record.state is PaymentState.PENDING
    return unfinal and record.height is not None and record.height <= sweep.final_height


def _lost(record: PaymentRecord, sighted: Records, sweep: Sweep, since: int) -> bool:
    """Return whether a final payment stood where the chain was read anew and is not final there, or anywhere."""
    if record.state is not PaymentState.FINAL or not since < (record.height or 0) <= sweep.final_height:
        return False
    again = sighted.get(record.key)
    return again is None or again.state is not PaymentState.FINAL or again.facts != record.facts


def _moved(before: PaymentRecord, sighting: PaymentRecord) -> PaymentRecord:
    """Return a known payment at its present place; what is final moves only after the chain was read anew."""
    if _settled_for_good(before):
        stands_elsewhere = before.state is PaymentState.LOST or before.block_hash != sighting.block_hash
        found = sighting.state is PaymentState.FINAL and before.facts == sighting.facts
        if not (found and stands_elsewhere):
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
