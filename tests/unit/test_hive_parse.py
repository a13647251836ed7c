"""From blocks and virtual operations to payments: what is one, what is none, and what is not believed."""

import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from chains.distrust import Distrusted
from chains.hive import digest, parse
from chains.hive.memo import MemoKey
from chains.hive.ours import Ours
from chains.hive.parse import check_block, payments_in
from chains.hive.virtual import in_order, payments_of
from chains.port import Watch
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.view import View
from tests.support.hive_node import MEMO_BY_BEEM, MEMO_BY_JS, MEMO_RECIPIENT, MEMO_TEXT, hive_chain

US, ALSO_US = "usher-tickets", "usher.refunds"
CHAIN = hive_chain()
NATIVE, HBD = (asset.id for asset in CHAIN.assets)
OURS = Ours.of(Watch(active=frozenset({US}), retired=frozenset({ALSO_US})), CHAIN)


def transfer(to=US, amount="1.000 HIVE", memo="", sender="alice"):
    return ["transfer", {"from": sender, "to": to, "amount": amount, "memo": memo}]


@pytest.fixture
def chain():
    made = Emulation()
    for name in ("alice", "bob", US, ALSO_US):
        made.account(name, hive=10**6, hbd=10**6)
    made.mine(3)
    return made


def block_with(chain, *operations, sender="alice"):
    """A block whose only transaction holds these operations, as a node answers."""
    chain.send(sender, *operations)
    chain.mine()
    return chain.head.modern


def paid(raw, ours=OURS, **options):
    block = check_block(raw, **options)
    return payments_in(block, ours, **options)


def told(payments):
    return [(payment.asset, payment.amount, payment.destination, payment.memos) for payment in payments]


# --- what is a payment ----------------------------------------------------------------------------------------


def test_a_transfer_to_us_is_a_payment_with_all_that_is_known_of_it(chain):
    raw = block_with(chain, transfer(memo="event:7:wallet:alice.shop-1"))
    [payment] = paid(raw)
    assert (payment.key.chain, payment.key.txid, payment.key.index) == (CHAIN.id, raw["transaction_ids"][0], "0")
    assert told([payment]) == [(NATIVE, 1000, US, ("event:7:wallet:alice.shop-1",))]
    assert (payment.sender, payment.direct, payment.internal) == ("alice", True, False)
    assert (payment.block.height, payment.block.hash) == (chain.head.number, raw["block_id"])
    assert payment.block.time.timestamp() == chain.head.time


def test_several_operations_of_one_transaction_are_several_payments_numbered_by_their_place(chain):
    raw = block_with(chain, transfer(), transfer("bob"), transfer(amount="2.500 HBD", memo="o:1"), transfer(ALSO_US))
    payments = paid(raw)
    assert told(payments) == [(NATIVE, 1000, US, ()), (HBD, 2500, US, ("o:1",)), (NATIVE, 1000, ALSO_US, ())]
    assert [payment.key.index for payment in payments] == ["0", "2", "3"]


def test_the_condensers_spelling_gives_the_same_payments(chain):
    raw = block_with(chain, transfer(memo="o:1"), transfer(amount="2.500 HBD"))
    older = View(chain, chain.blocks).condenser_block(chain.head)
    assert older["transactions"][0]["operations"][0][0] == "transfer"
    assert paid(older) == paid(raw) != ()


def test_what_we_send_ourselves_is_internal(chain):
    raw = block_with(chain, transfer(sender=US), transfer(ALSO_US, sender=US), transfer("bob", sender=US), sender=US)
    assert [(payment.destination, payment.internal) for payment in paid(raw)] == [(US, True), (ALSO_US, True)]


NO_PAYMENTS = {
    "a transfer to somebody else": transfer("bob"),
    "a transfer into savings": ["transfer_to_savings", transfer()[1]],
    "an announced withdrawal from savings": ["transfer_from_savings", {**transfer()[1], "request_id": 1}],
    "a recurrent transfer before the chain fills it": [
        "recurrent_transfer", {**transfer()[1], "recurrence": 24, "executions": 2, "extensions": []},
    ],
    "words about a transfer": [
        "custom_json", {"required_auths": ["alice"], "required_posting_auths": [], "id": "transfer", "json": "{}"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", NO_PAYMENTS)
def test_what_brings_us_no_liquid_money_is_no_payment(chain, case):
    if "savings" in case:
        chain.send("alice", ["transfer_to_savings", transfer("alice")[1]])
        chain.mine()
    assert paid(block_with(chain, NO_PAYMENTS[case])) == ()


def test_an_asset_that_is_not_listed_is_no_payment_unless_one_is_under_way(chain):
    raw = block_with(chain, transfer(amount="1.000 HBD"))
    without = replace(CHAIN, tokens=())
    assert paid(raw, Ours.of(OURS.watch, without)) == ()
    assert len(paid(raw, Ours.of(OURS.watch, without, {HBD}))) == 1


@pytest.mark.parametrize("memo", [MEMO_BY_JS, MEMO_BY_BEEM], ids=["with its length", "without"])
def test_an_encrypted_memo_is_read_with_the_key_and_left_as_it_is_without(chain, memo):
    raw = block_with(chain, transfer(memo=memo))
    with_key = Ours.of(OURS.watch, CHAIN, memo_key=MemoKey.of(MEMO_RECIPIENT))
    stranger = Ours.of(OURS.watch, CHAIN, memo_key=MemoKey.of(chain.keys["alice"].wif("memo")))
    assert told(paid(raw, with_key))[0][3] == (MEMO_TEXT,)
    assert told(paid(raw, stranger))[0][3] == told(paid(raw))[0][3] == (memo,)


@pytest.mark.parametrize(("memo", "memos"), [("", ()), ("  ", ()), ("a\nb", ()), ("\0", ()), (" o:1 ", ("o:1",)),
                                             ("#no cipher", ("#no cipher",)), ("x" * 2047, ("x" * 2047,))])  # fmt: skip
def test_a_memo_is_told_as_text_or_not_at_all(chain, memo, memos):
    assert told(paid(block_with(chain, transfer(memo=memo))))[0][3] == memos


def test_amounts_of_a_network_built_for_tests_are_the_same_assets():
    chain = Emulation(symbols_of_test=True)
    chain.account("alice", hive=10**6)
    chain.account(US)
    chain.mine()
    raw = block_with(chain, transfer(amount="1.000 TESTS"))
    older = View(chain, chain.blocks).condenser_block(chain.head)
    assert older["transactions"][0]["operations"][0][1]["amount"] == "1.000 TESTS"
    assert told(paid(raw)) == told(paid(older)) == [(NATIVE, 1000, US, ())]


# --- what is not believed -------------------------------------------------------------------------------------


def lie(raw, **changes):
    return {**copy.deepcopy(raw), **changes}


def richer(raw):
    """The same block, but with another amount in its transaction."""
    changed = copy.deepcopy(raw)
    changed["transactions"][0]["operations"][0]["value"]["amount"]["amount"] = "999000"
    return changed


LIES = {
    "another hash": lambda raw: lie(raw, block_id=raw["block_id"][:8] + "00" * 16),
    "another height": lambda raw: lie(raw, block_id="00000009" + raw["block_id"][8:]),
    "another parent": lambda raw: lie(raw, previous=raw["previous"][:8] + "00" * 16),
    "another time": lambda raw: lie(raw, timestamp="2026-11-20T00:00:00"),
    "another witness": lambda raw: lie(raw, witness="somebody"),
    "another root": lambda raw: lie(raw, transaction_merkle_root="11" * 20),
    "no transactions": lambda raw: lie(raw, transactions=[], transaction_ids=[]),
    "an id too few": lambda raw: lie(raw, transaction_ids=[]),
    "another id": lambda raw: lie(raw, transaction_ids=["00" * 20]),
    "another amount": richer,
    "a transaction twice": lambda raw: lie(
        raw, transactions=raw["transactions"] * 2, transaction_ids=raw["transaction_ids"] * 2
    ),
    "no block": lambda _raw: None,
    "a list": lambda raw: [raw],
    "no witness": lambda raw: lie(raw, witness=None),
    "an unknown extension": lambda raw: lie(raw, extensions=[{"type": "portal", "value": 1}]),
}


@pytest.mark.parametrize("name", LIES)
def test_a_block_that_does_not_fit_its_header_is_not_believed(chain, name):
    raw = LIES[name](block_with(chain, transfer()))
    block = check_block(raw)
    found = block if isinstance(block, Distrusted) else payments_in(block, OURS)
    assert isinstance(found, Distrusted)
    assert found.reason


def test_control_without_recomputing_a_swollen_amount_is_a_payment(chain):
    raw = richer(block_with(chain, transfer()))
    assert told(paid(raw, recompute=False)) == [(NATIVE, 999000, US, ())]


@pytest.mark.parametrize("txid", ["AB" * 20, "ab" * 200, "ab\0" + "ab" * 19, ""])
def test_a_transaction_by_another_name_than_an_id_is_not_believed_where_it_is_not_hashed_either(chain, txid):
    """No database has a place for such a text, and in capitals it would be the key of a second payment."""
    raw = block_with(chain, transfer())
    assert isinstance(paid({**raw, "transaction_ids": [txid]}, recompute=False), Distrusted)


def test_control_without_the_root_an_invented_transaction_with_its_own_id_is_a_payment(chain, monkeypatch):
    raw = block_with(chain, transfer("bob"))
    invented = chain.accepted(chain.sign(chain.transaction(transfer()), chain.keys["alice"].secret("active")),
                              chain.head.state)  # fmt: skip
    raw = lie(raw, transactions=[*raw["transactions"], invented.raw],
              transaction_ids=[*raw["transaction_ids"], invented.txid])  # fmt: skip
    assert isinstance(paid(raw), Distrusted)
    monkeypatch.setattr(digest, "merkle_root", lambda _leaves: raw["transaction_merkle_root"])
    assert len(paid(raw)) == 1


def test_a_block_for_another_height_is_not_believed(chain):
    raw = block_with(chain, transfer())
    assert isinstance(check_block(raw, height=chain.head.number), parse.CheckedBlock)
    assert isinstance(check_block(raw, height=chain.head.number + 1), Distrusted)


def test_a_strangers_operation_of_a_later_hardfork_leaves_the_root_open_and_no_payment_out(chain):
    """Nobody's chain stands still because somebody used something new."""
    chain.send("alice", transfer())
    chain.send("bob", ["custom_json", {"required_auths": [], "required_posting_auths": ["bob"], "id": "x", "json": ""}],
               role="posting")  # fmt: skip
    chain.mine()
    raw = copy.deepcopy(chain.head.modern)
    raw["transactions"][1]["operations"][0]["type"] = "open_portal_operation"
    assert told(paid(raw)) == [(NATIVE, 1000, US, ())]


def test_our_own_transaction_with_such_an_operation_waits_for_an_update(chain):
    raw = block_with(chain, transfer(), transfer("bob"))
    raw = copy.deepcopy(raw)
    raw["transactions"][0]["operations"][1]["type"] = "open_portal_operation"
    assert "checked_headers" in paid(raw).reason
    assert told(paid(raw, recompute=False)) == [(NATIVE, 1000, US, ())]


# --- what the chain does by itself ----------------------------------------------------------------------------


def recurrent(amount="1.000 HIVE", memo="", sender="alice", to=US):
    value = transfer(to, amount, memo, sender)[1]
    return ["recurrent_transfer", {**value, "recurrence": 24, "executions": 2, "extensions": []}]


def history(chain, *, modern=True):
    view = View(chain, chain.blocks)
    return [one for block in chain.blocks[1:] for one in view.operations(block, virtual=True, modern=modern)]


def own(chain, told_by=None, ours=OURS):
    blocks = [check_block(block.modern) for block in chain.blocks[1:]]
    return payments_of(history(chain) if told_by is None else told_by, blocks, ours)


def flat(payments):
    return [payment for several in payments.values() for payment in several]


def test_a_filled_recurrent_transfer_is_a_payment_numbered_within_its_block(chain):
    for name in ("alice", "bob"):
        chain.send(name, recurrent(sender=name, memo=f"from {name}"))
    chain.send("bob", recurrent(sender="bob", to="alice"))
    chain.mine()
    first = chain.head.number
    payments = flat(own(chain))
    assert told(payments) == [(NATIVE, 1000, US, ("from alice",)), (NATIVE, 1000, US, ("from bob",))]
    assert [(one.key.txid, one.key.index) for one in payments] == [
        (f"v{first}", "recurrent.0"),
        (f"v{first}", "recurrent.1"),
    ]
    assert [one.sender for one in payments] == ["alice", "bob"]
    chain.pass_time(timedelta(hours=24))
    chain.mine()
    assert [one.key.txid for one in flat(own(chain))[2:]] == [f"v{chain.head.number}"] * 2


def test_what_comes_out_of_somebodys_savings_to_us_is_a_payment_when_it_arrives(chain):
    chain.send("alice", ["transfer_to_savings", transfer("alice")[1]])
    chain.mine()
    chain.send("alice", ["transfer_from_savings", {**transfer(memo="o:1")[1], "request_id": 7}])
    chain.mine()
    assert flat(own(chain)) == []
    chain.pass_time(timedelta(days=3, seconds=3))
    chain.mine()
    [payment] = flat(own(chain))
    assert told([payment]) == [(NATIVE, 1000, US, ("o:1",))]
    assert (payment.key.index, payment.internal) == ("savings.0", False)


def test_our_own_savings_are_internal(chain):
    chain.send(US, ["transfer_to_savings", transfer(sender=US)[1]])
    chain.mine()
    chain.send(US, ["transfer_from_savings", {**transfer(sender=US)[1], "request_id": 7}])
    chain.pass_time(timedelta(days=3))
    chain.mine()
    chain.pass_time(timedelta(days=3))
    chain.mine()
    assert [payment.internal for payment in flat(own(chain))] == [True]


def test_a_recurrent_transfer_that_failed_is_none(chain):
    chain.send("bob", recurrent(sender="bob", amount="900.000 HIVE"))
    chain.mine()
    chain.pass_time(timedelta(hours=24))
    chain.mine()
    assert "failed_recurrent_transfer_operation" in {one["op"]["type"] for one in history(chain)}
    assert len(flat(own(chain))) == 1


def test_both_spellings_of_virtual_operations_give_the_same(chain):
    chain.send("alice", recurrent(memo="o:1"))
    chain.mine()
    assert own(chain, history(chain, modern=False)) == own(chain)


def test_the_order_of_an_answer_means_nothing(chain):
    for name in ("alice", "bob"):
        chain.send(name, recurrent(sender=name))
    chain.mine()
    assert own(chain, history(chain)[::-1]) == own(chain)
    assert [one.name for one in in_order(history(chain)[::-1])].count("fill_recurrent_transfer") == 2


@pytest.mark.parametrize(
    "lie_about",
    [
        lambda told: told[:-1],  # the history ends below the newest block
        lambda _told: [],
        lambda told: [*told, told[-1]],  # a producer rewarded twice
        lambda told: [{**one, "op": ["producer_reward", {"producer": "other"}]} for one in told],
        lambda told: [{**one, "timestamp": "2026-11-20T12:00:00"} for one in told],  # of a fork at the same height
        lambda told: [{**told[0], "op": "?"}],
        lambda _told: [None],
        lambda told: [{**one, "trx_in_block": "?"} for one in told],
    ],
)  # fmt: skip
def test_a_history_that_is_not_that_of_the_blocks_is_not_believed(chain, lie_about):
    assert isinstance(own(chain, lie_about(history(chain))), Distrusted)


def test_control_without_the_producers_reward_a_history_that_lags_loses_a_payment(chain, monkeypatch):
    chain.send("alice", recurrent())
    chain.mine()
    behind = [one for one in history(chain) if one["block"] < chain.head.number]
    assert isinstance(own(chain, behind), Distrusted)
    monkeypatch.setattr("chains.hive.virtual._is_of", lambda _block, _found: True)
    assert flat(own(chain, behind)) == []
    assert len(flat(own(chain))) == 1
