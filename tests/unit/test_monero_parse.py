"""What a wallet tells of its transfers, and the payments in it."""

from datetime import UTC, datetime

import pytest

from chains.blocks import Link
from chains.distrust import Distrusted
from chains.monero import address
from chains.monero.parse import by_kind, check_transfers, payments_in, payments_waiting
from chains.port import Block, Watch
from config.registry import Network
from tests.support.monero_values import OTHER_ACCOUNT, PRIMARY, SUBADDRESSES, TXID, entry, ours, transfer
from tests.support.vectors import vectors

LINK = Link(height=100, hash="cd" * 32, parent="ef" * 32, time=1_795_191_717)
PAYMENT_ID = "0123456789abcdef"
INTEGRATED = address.integrated(PRIMARY, PAYMENT_ID, Network.TEST)


def stray(**changed):
    """A transfer to the primary address."""
    return transfer(**{"minor": 0, "address": PRIMARY, **changed})


def test_a_transfer_to_an_orders_subaddress_is_a_payment_to_it():
    [payment] = payments_in(LINK, check_transfers({"in": [entry()]}).arrived, ours())
    assert (payment.key.txid, payment.key.index) == (TXID, "0,1")
    assert (payment.asset, payment.amount) == ("monero:regtest/slip44:128", 5)
    assert payment.destination == SUBADDRESSES[0]
    assert (payment.sender, payment.memos, payment.references, payment.internal) == (None, (), (), False)
    assert payment.block == Block(height=100, hash="cd" * 32, time=datetime.fromtimestamp(1_795_191_717, UTC))


def test_a_transfer_in_the_pool_is_a_payment_in_no_block():
    told = check_transfers({"pool": [entry(type="pool", height=0)]})
    assert told.arrived == ()
    [payment] = payments_waiting(told.waiting, ours())
    assert (payment.block, payment.amount) == (None, 5)


def test_several_outputs_to_one_subaddress_are_one_payment_and_to_two_subaddresses_two():
    other = entry(address=SUBADDRESSES[1], subaddr_index={"major": 0, "minor": 2}, amount=7)
    told = check_transfers({"in": [entry(amount=1000), other, entry(amount=500)]})
    assert [(one.key.index, one.amount) for one in payments_in(LINK, told.arrived, ours())] == [
        ("0,1", 1500),
        ("0,2", 7),
    ]


@pytest.mark.parametrize("changed", [{"height": 101}, {"unlock_time": 5}, {"address": OTHER_ACCOUNT}])
def test_outputs_that_are_told_in_two_ways_are_not_believed(changed):
    assert isinstance(check_transfers({"in": [entry(), entry(**changed)]}), Distrusted)


def test_a_coinbase_is_a_transfer_with_an_unlock_time():
    [one] = check_transfers({"in": [entry(type="block", unlock_time=160)]}).arrived
    assert one.unlock_time == 160


def test_other_accounts_and_our_own_spends_are_no_payments():
    told = check_transfers(
        {
            "in": [entry(address=OTHER_ACCOUNT, subaddr_index={"major": 1, "minor": 1})],
            "out": [entry(type="out", height=90, txid="77" * 32)],
        }
    )
    assert (told.arrived, told.waiting, dict(told.sent)) == ((), (), {"77" * 32: 90})


def test_nothing_at_all_is_an_empty_answer():
    told = check_transfers({})
    assert (told.arrived, told.waiting, dict(told.sent)) == ((), (), {})


@pytest.mark.parametrize(
    "answer",
    [None, [], "in", {"in": None}, {"in": {}}, {"pool": "x"}, {"in": [None]}, {"subaddress_accounts": []}],
    ids=str,
)
def test_what_is_no_list_of_transfers_is_not_believed(answer):
    assert isinstance(check_transfers(answer), Distrusted)


@pytest.mark.parametrize(
    "broken",
    [
        {"txid": "ab"},
        {"txid": None},
        {"type": "gift"},
        {"type": None},
        {"amount": -1},
        {"amount": 2**64},
        {"amount": "5"},
        {"amount": 0.5},
        {"height": -1},
        {"height": 0},
        {"height": None},
        {"unlock_time": -1},
        {"unlock_time": 2**64},
        {"address": None},
        {"subaddr_index": {"major": 0}},
        {"subaddr_index": {"major": -1, "minor": 0}},
        {"subaddr_index": [0, 1]},
    ],
    ids=str,
)
def test_a_transfer_with_one_field_broken_is_not_believed(broken):
    assert isinstance(check_transfers({"in": [entry(**broken)]}), Distrusted)


@pytest.mark.parametrize("field", ["txid", "type", "amount", "height", "unlock_time", "address", "subaddr_index"])
def test_a_transfer_that_lacks_a_field_is_not_believed(field):
    told = {key: value for key, value in entry().items() if key != field}
    assert isinstance(check_transfers({"in": [told]}), Distrusted)


@pytest.mark.parametrize("payment_id", [None, "", 5, "0" * 16, "zz" * 8, PAYMENT_ID * 2, PAYMENT_ID.upper()])
def test_what_is_no_payment_id_is_none(payment_id):
    [one] = check_transfers({"in": [entry(payment_id=payment_id)]}).arrived
    assert one.payment_id is None


def test_a_payment_to_a_watched_integrated_address_refers_to_it():
    paid = stray(payment_id=PAYMENT_ID)
    assert payments_in(LINK, [paid], ours(INTEGRATED))[0].references == (INTEGRATED,)
    assert payments_in(LINK, [paid], ours(INTEGRATED))[0].destination == PRIMARY
    assert payments_in(LINK, [paid], ours())[0].references == ()


def test_the_integrated_address_alone_may_be_watched():
    alone = ours(watch=Watch(active=frozenset({INTEGRATED})))
    assert [one.references for one in payments_in(LINK, [stray(payment_id=PAYMENT_ID)], alone)] == [(INTEGRATED,)]
    assert payments_in(LINK, [stray()], alone) == ()


def test_a_payment_id_that_travels_to_a_subaddress_means_nothing():
    [payment] = payments_in(LINK, [transfer(payment_id=PAYMENT_ID)], ours(INTEGRATED))
    assert (payment.destination, payment.references) == (SUBADDRESSES[0], ())


def test_what_is_not_watched_is_not_reported():
    nobody = ours(watch=Watch(active=frozenset({SUBADDRESSES[1]})))
    assert payments_in(LINK, [transfer(), stray()], nobody) == ()
    unknown = transfer(minor=9)
    assert payments_in(LINK, [unknown], ours()) == ()


def test_a_retired_address_is_still_watched():
    retired = ours(watch=Watch(active=frozenset(), retired=frozenset({SUBADDRESSES[0]})))
    assert len(payments_in(LINK, [transfer()], retired)) == 1


def test_a_pool_entry_without_an_amount_is_no_payment():
    """The wallet knows its outputs from a block that is no more, and tells of none of them."""
    assert payments_waiting([transfer(amount=0, height=None)], ours()) == ()


def test_all_of_our_own_transactions_are_internal():
    own = ours(spends=frozenset({TXID}))
    assert [one.internal for one in payments_in(LINK, [stray(), transfer()], own)] == [True, True]


def test_strays_pay_the_primary_address_and_name_no_order():
    change = stray(txid="01" * 32, payment_id="f6dd66ec9d8682c0")  # change has a meaningless payment id
    named = stray(txid="02" * 32, payment_id=PAYMENT_ID)
    ordered = transfer(txid="03" * 32)
    assert ours(INTEGRATED).strays([change, named, ordered, stray(txid="04" * 32)]) == {"01" * 32, "04" * 32}


def test_a_wallet_that_writes_our_addresses_otherwise_is_found_out():
    assert ours().strange([transfer(), stray()]) is None
    assert ours().strange([transfer(), transfer(address=SUBADDRESSES[1])]).index == "0,1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("55e75-get_transfer_by_txid", [(409450, 232, 4_000_000_000_000)]),
        ("31b52-get_transfer_by_txid", [(None, 233, 6_000_000_000_000)]),
        ("7ab84-get_transfer_by_txid", [(409227, 8, 10**12), (409227, 19, 10**12), (409227, 29, 2 * 10**12)]),
    ],
)
def test_the_published_answers_of_a_wallet_are_read(name, expected):
    answer = vectors(f"blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_by_tx_id-{name}.json")["result"]
    told = check_transfers(by_kind(answer))
    assert [(one.height, one.minor, one.amount) for one in (*told.arrived, *told.waiting)] == expected


def test_the_published_spends_are_no_income():
    told = check_transfers(
        vectors("blocks/monero/tests.data.test_jsonrpcwallet.test_multiple_destinations-incoming.json")["result"]
    )
    assert (told.arrived, list(told.sent.values())) == ((), [278441])
    itself = vectors(
        "blocks/monero/tests.data.test_jsonrpcwallet.test_incoming_from_self__issue_71-1a75f-get_transfer_by_txid.json"
    )
    told = check_transfers(by_kind(itself["result"]))
    assert (told.arrived, list(told.sent.values())) == ((), [689015])
