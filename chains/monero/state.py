"""What a Monero checkpoint holds beside its position: what waits, what is locked, and where it all began. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chains.errors import PersistentError
from chains.monero.locks import by_time, is_open
from chains.port import Checkpoint, Payment, PaymentKey, Pending, Sweep, Watch
from chains.position import read_payment, write_payment
from chains.waiting import Waiting
from chains.waiting import read as read_waiting
from chains.waiting import write as write_waiting

_KEY = "monero"


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A payment in a final block that cannot be spent yet."""

    payment: Payment  # in its block
    unlock_time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What the checkpoint says beside the position."""

    began: int  # nothing below this height was ever looked at: a lost wallet is restored from here
    waiting: tuple[Waiting, ...] = ()
    locked: tuple[Locked, ...] = ()

    @property
    def sighted(self) -> tuple[Payment, ...]:
        """The payments that wait."""
        return tuple(payment for one in self.waiting for payment in one.payments)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """The chain's own height and time, by which locks open."""

    tip: int
    times: Sequence[int] = ()  # of the newest blocks, oldest first; none where no lock asks for them

    def opens(self, unlock_time: int) -> bool:
        """Whether what has this unlock time can be spent."""
        return unlock_time == 0 or is_open(unlock_time, tip=self.tip, times=self.times)


def needs_times(unlock_times: Mapping[PaymentKey, int], locked: Sequence[Locked]) -> bool:
    """Whether any lock asks for the chain's time."""
    return any(map(by_time, (*unlock_times.values(), *(one.unlock_time for one in locked))))


def unlocked(sweep: Sweep, state: State, unlock_times: Mapping[PaymentKey, int], clock: Clock) -> tuple[Sweep, State]:
    """Hold back what cannot be spent yet: it is in no block that counts until it can, and then final in its own.

    `unlock_times` are those of everything the sweep tells of; 0 and nothing are the same.
    """

    def opens(payment: Payment) -> bool:
        return clock.opens(unlock_times.get(payment.key, 0))

    ripe = tuple(one for one in state.locked if clock.opens(one.unlock_time))
    fresh = tuple(
        Locked(payment=payment, unlock_time=unlock_times[payment.key]) for payment in sweep.final if not opens(payment)
    )
    locked = tuple(one for one in state.locked if one not in ripe) + fresh
    above = tuple(entry if opens(entry.payment) else _held(entry.payment) for entry in sweep.pending)
    final = tuple(one.payment for one in ripe) + tuple(payment for payment in sweep.final if opens(payment))
    told = replace(sweep, final=final, pending=(*(_held(one.payment) for one in locked), *above))
    return told, replace(state, locked=locked)


def with_keys_of(watch: Watch, payments: Sequence[Payment]) -> Watch:
    """Return the watch with everything that payments under way were found by, should it have left the watch since."""
    found_by = {key for payment in payments for key in (payment.destination, *payment.references)}
    return replace(watch, active=watch.active | found_by)


def write(position: Checkpoint, state: State) -> Checkpoint:
    """Return the checkpoint of both."""
    return {
        **position,
        _KEY: {
            "began": state.began,
            "waiting": write_waiting(state.waiting),
            "locked": [[write_payment(one.payment), str(one.unlock_time)] for one in state.locked],
        },
    }


def read(checkpoint: Checkpoint, chain: str) -> State:
    """Return what `write` wrote. Raises PersistentError for anything else."""
    stored: Any = checkpoint.get(_KEY)
    try:
        return State(
            began=stored["began"],
            waiting=read_waiting(stored["waiting"], chain),
            locked=tuple(
                Locked(payment=read_payment(payment, chain), unlock_time=int(unlock_time))
                for payment, unlock_time in stored["locked"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PersistentError(f"{chain}: the checkpoint cannot be read: {error!r}") from error


def _held(payment: Payment) -> Pending:
    return Pending(payment=replace(payment, block=None), confirmations=0)
