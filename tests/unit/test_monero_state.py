"""What a Monero checkpoint holds beside its position, and what locks do to a sweep."""

import json
from dataclasses import replace

import pytest

from chains.errors import PersistentError
from chains.monero.state import Clock, Locked, State, needs_times, read, unlocked, with_keys_of, write
from chains.port import Block, Pending, Sweep, Tip, Watch
from chains.position import moment
from chains.waiting import Waiting
from tests.support.monero_values import SUBADDRESSES, ours, transfer

CHAIN = "monero:regtest"
NOTHING = State(began=1)


def payment(height, txid="ab" * 32):
    block = Block(height=height, hash=f"{height:064x}", time=moment(height))
    return ours().payment(transfer(txid=txid), block)


def sweep(*, tip, final=(), pending=()):
    entries = tuple(Pending(payment=one, confirmations=tip - one.block.height + 1) for one in pending)
    return Sweep(
        final=tuple(final),
        pending=entries,
        gone=(),
        tip=Tip(height=tip, hash="00" * 32, time=moment(tip)),
        final_height=tip - 7,
        checkpoint={},
    )


def held(entry):
    return entry.payment.block is None and entry.confirmations == 0


COINBASE = payment(100)
LOCKS = {COINBASE.key: 160}


def test_a_locked_payment_is_in_no_block_until_it_opens():
    told, state = unlocked(sweep(tip=103, pending=[COINBASE]), NOTHING, LOCKS, Clock(tip=103))
    assert [held(entry) for entry in told.pending] == [True]
    assert state == NOTHING
    told, _ = unlocked(sweep(tip=159, pending=[COINBASE]), NOTHING, LOCKS, Clock(tip=159))
    assert [entry.confirmations for entry in told.pending] == [60]


def test_a_locked_payment_whose_block_is_final_is_kept_and_told_of_as_waiting():
    told, state = unlocked(sweep(tip=107, final=[COINBASE]), NOTHING, LOCKS, Clock(tip=107))
    assert (told.final, [held(entry) for entry in told.pending]) == ((), [True])
    assert state.locked == (Locked(payment=COINBASE, unlock_time=160),)
    told, state = unlocked(sweep(tip=158), state, {}, Clock(tip=158))
    assert (told.final, len(told.pending), len(state.locked)) == ((), 1, 1)


def test_it_becomes_final_in_its_own_block_once_it_opens_before_what_is_above_it():
    state = State(began=1, locked=(Locked(payment=COINBASE, unlock_time=160),))
    above = payment(150, txid="cd" * 32)
    told, state = unlocked(sweep(tip=159, final=[above]), state, {}, Clock(tip=159))
    assert (told.final, told.pending, state.locked) == ((COINBASE, above), (), ())


def test_without_the_lock_it_would_be_final_with_its_block():
    """Negative control."""
    told, _ = unlocked(sweep(tip=107, final=[COINBASE]), NOTHING, {}, Clock(tip=107))
    assert told.final == (COINBASE,)


def test_one_that_is_locked_by_time_waits_for_the_chains_time():
    locks = {COINBASE.key: 1_800_000_000}
    state = State(began=1, locked=(Locked(payment=COINBASE, unlock_time=1_800_000_000),))
    early, late = Clock(tip=200, times=(1_700_000_000,)), Clock(tip=200, times=(1_800_000_000,))
    assert unlocked(sweep(tip=200), state, {}, early)[0].final == ()
    assert unlocked(sweep(tip=200), state, {}, late)[0].final == (COINBASE,)
    assert needs_times(locks, ())
    assert needs_times({}, state.locked)
    assert not needs_times(LOCKS, ())


def test_one_that_never_opens_is_kept_for_ever_and_harms_nobody():
    state = State(began=1, locked=(Locked(payment=COINBASE, unlock_time=2**64 - 1),))
    told, after = unlocked(sweep(tip=10**6), state, {}, Clock(tip=10**6, times=(10**9,)))
    assert (told.final, after) == ((), state)


def test_what_is_written_is_read_back_through_json():
    state = State(
        began=5,
        waiting=(
            Waiting(
                txid=COINBASE.key.txid,
                payments=(replace(COINBASE, block=None),),
                needs=((b"\xaa" * 32, COINBASE.key.txid),),
            ),
        ),
        locked=(Locked(payment=COINBASE, unlock_time=2**64 - 1),),
    )
    stored = json.loads(json.dumps(write({"version": 1}, state)))
    assert read(stored, CHAIN) == state
    assert stored["version"] == 1


@pytest.mark.parametrize(
    "stored", [{}, {"monero": None}, {"monero": {}}, {"monero": {"began": 1, "waiting": [1], "locked": []}}]
)
def test_a_checkpoint_that_is_not_ours_stops_the_chain(stored):
    with pytest.raises(PersistentError, match="monero:regtest"):
        read(stored, CHAIN)


def test_what_is_under_way_is_looked_for_though_the_watch_has_lost_it():
    integrated = replace(COINBASE, references=("an integrated address",))
    watch = with_keys_of(Watch(active=frozenset({"x"})), [integrated])
    assert watch.active == {"x", SUBADDRESSES[0], "an integrated address"}
