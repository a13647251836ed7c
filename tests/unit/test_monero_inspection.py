"""`usher inspect` on what a wallet told."""

import pytest

from chains.distrust import Distrusted
from chains.inspection import Given
from chains.monero.inspection import LOCKED, inspect
from chains.port import Watch
from config.loader import load_registry
from tests.support.monero_values import PRIMARY, SUBADDRESSES, entry, regtest
from tests.support.vectors import vectors

STAGENET = load_registry().chain("monero:76ee3cc98646292206cd3e86f74d88b4")
ORDER = "7AEBRUmNcjhUjiqdVpeKKYiAVZ216AYdhBFx8UUfjPhWdKujoosnsUtHCohLcYWUXFdNiqnBsMmCFCyDkSmat3Ys4H4yHUp"
WATCH = Watch(active=frozenset({SUBADDRESSES[0]}))


def answer(name):
    return vectors(f"blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_by_tx_id-{name}.json")["result"]


def test_a_published_transaction_pays_its_subaddress():
    found = inspect(Given(transaction=answer("55e75-get_transfer_by_txid")), STAGENET, Watch(active=frozenset({ORDER})))
    [payment] = found.payments
    assert (payment.key.index, payment.amount, payment.destination) == ("0,232", 4 * 10**12, ORDER)
    assert (found.height, found.hash) == (409450, None)


def test_nobody_is_paid_where_nobody_watches():
    watch = Watch(active=frozenset({PRIMARY}))
    assert inspect(Given(transaction=answer("55e75-get_transfer_by_txid")), STAGENET, watch).payments == ()


def test_all_transfers_of_a_wallet_are_read_like_a_block():
    other = entry(txid="cd" * 32, height=101, amount=9)
    found = inspect(Given(block={"in": [entry(), other], "pool": []}), regtest(), WATCH)
    assert [payment.amount for payment in found.payments] == [5, 9]
    assert found.height is None


def test_what_is_locked_is_said_to_be():
    locked = inspect(Given(block={"in": [entry(unlock_time=160)]}), regtest(), WATCH)
    assert locked.note.endswith(LOCKED)
    assert not inspect(Given(block={"in": [entry()]}), regtest(), WATCH).note.endswith(LOCKED)


def test_spends_that_the_wallet_knows_are_internal():
    spent = entry(type="out", address=PRIMARY, subaddr_index={"major": 0, "minor": 0})
    found = inspect(Given(block={"in": [entry()], "out": [spent]}), regtest(), WATCH)
    assert [payment.internal for payment in found.payments] == [True]


@pytest.mark.parametrize(
    "transaction", [None, [], {}, {"transfers": 5}, {"transfers": [5]}, {"transfer": {"type": "in"}}]
)
def test_what_is_no_transaction_of_a_wallet_is_not_believed(transaction):
    found = inspect(Given(block={"accounts": []}, transaction=transaction), regtest(), WATCH)
    assert isinstance(found, Distrusted) or found.payments == ()


def test_a_wallet_that_writes_one_address_in_two_ways_is_not_believed():
    other = entry(txid="cd" * 32, address=SUBADDRESSES[1])
    assert isinstance(inspect(Given(block={"in": [entry(), other]}), regtest(), WATCH), Distrusted)


def test_the_accounts_of_a_wallet_are_no_transfers():
    assert isinstance(inspect(Given(block=answer("00-get_accounts")), STAGENET, WATCH), Distrusted)
