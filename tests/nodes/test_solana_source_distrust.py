"""Solana endpoints that lag, lie, forget or die: what is believed, and what belief would cost."""

import base64
from dataclasses import dataclass
from typing import Any

import pytest
from solders.signature import Signature

from chains.errors import DeepReorgError, TransientError, WrongChainError
from chains.port import Watch
from chains.solana import listing, position, reader
from chains.solana.opinion import Opinions
from chains.solana.reader import Reader
from chains.solana.source import STANDSTILL
from config.registry import Chain
from tests.nodes.solana.node import NOT_AVAILABLE, UNSUPPORTED_VERSION, Node, RpcError, truth
from tests.nodes.solana.rpc import answer
from tests.nodes.solana.server import Server
from tests.support.chains_drivers import follow
from tests.support.natures import FINALITY
from tests.support.solana_node import Hands, hands, memo, solana_chain, solana_node, solana_source, wallet
from tests.support.sweeps import amounts, pending


@dataclass
class Scene:
    """Two endpoints before one ledger, somebody who pays, and a wallet of ours."""

    server: Server
    hands: Hands
    ours: str
    chain: Chain
    watch: Watch

    @property
    def ledger(self):
        return self.server.ledger

    @property
    def first(self) -> Node:
        return self.server.node("/first")

    @property
    def second(self) -> Node:
        return self.server.node("/second")

    def urls(self, count):
        return [f"{self.server.url}/{name}" for name in ("first", "second")[:count]]

    def pay(self, amount, *more):
        return self.hands.send(self.hands.give(self.ours, amount), *more)

    def paid(self, amount):
        self.pay(amount)
        self.ledger.mine()


@pytest.fixture
async def scene():
    async with solana_node() as server:
        payer = hands(server.ledger)
        ours = str(wallet(payer))
        server.ledger.mine(FINALITY)
        yield Scene(server=server, hands=payer, ours=ours, chain=solana_chain(), watch=Watch(active=frozenset({ours})))


@pytest.fixture
async def source(scene):
    opened = solana_source(scene.chain, *scene.urls(2))
    yield opened
    await opened.aclose()


@pytest.fixture
async def single(scene):
    opened = solana_source(scene.chain, *scene.urls(1))
    yield opened
    await opened.aclose()


async def fresh(scene, checkpoint, count=1, **options):
    """Poll with a source that holds nothing against anybody."""
    opened = solana_source(scene.chain, *scene.urls(count), **options)
    try:
        return await opened.poll(checkpoint, scene.watch)
    finally:
        await opened.aclose()


# --- lies ----------------------------------------------------------------------------------------------------


def instead(method, told):
    """Tell something else for a method: a value, or what a function makes of parameters and truth."""

    def twist(asked, params, result):
        if asked != method:
            return result
        return told(params, result) if callable(told) else told

    return twist


def refusing(method, code, only=None):
    """Refuse a method, or one question."""

    def twist(asked, params, result):
        if asked == method and (only is None or params[0] == only):
            raise RpcError(code, "no")
        return result

    return twist


def hiding(*txids):
    """Leave transactions out of listings."""
    return instead("getSignaturesForAddress", lambda _, told: [one for one in told if one["signature"] not in txids])


def other_hash(slot):
    """Tell that another block stands in a slot."""
    return instead("getBlock", lambda params, told: told | {"blockhash": "Lie"} if params[0] == slot else told)


def other_lamports(_params, told):
    """Tell that everybody has one less afterwards."""
    meta = told["meta"]
    return told | {"meta": meta | {"postBalances": [max(0, balance - 1) for balance in meta["postBalances"]]}}


FAULTS: dict[str, dict[str, Any]] = {
    "dead": {"dead": True},
    "garbage": {"garbage": b"<html>502 Bad Gateway</html>"},
    "half an answer": {"garbage": b'{"jsonrpc":"2.0","id":1}'},
    "not utf-8": {"garbage": b"\xff\xfe"},
    "server error": {"status": 500},
    "throttled": {"status": 429},
    "other cluster": {"twist": instead("getGenesisHash", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")},
    "no clock": {"twist": instead("getAccountInfo", {"context": {"slot": 1}, "value": None})},
    "no slot": {"twist": instead("getSlot", "ten")},
    "no blocks": {"twist": instead("getBlock", None)},
    "no history": {"twist": refusing("getSignaturesForAddress", -32011)},
    "listings of another kind": {"twist": instead("getSignaturesForAddress", [{"slot": 1}])},
    "transactions refused": {"twist": refusing("getTransaction", -32011)},
    "transactions without outcome": {"twist": instead("getTransaction", lambda _, told: told | {"meta": None})},
    "transactions of another slot": {"twist": instead("getTransaction", lambda _, told: told | {"slot": 1})},
    "empty answers": {"twist": lambda *_: None},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_endpoint_that_is_no_use_is_replaced_by_the_next(scene, source, fault):
    checkpoint = await source.start()
    scene.paid(5)
    for name, value in FAULTS[fault].items():
        setattr(scene.first, name, value)
    opened = solana_source(scene.chain, *scene.urls(2))
    assert pending(await opened.poll(checkpoint, scene.watch)) == {5: 1}
    await opened.aclose()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "other cluster"])
async def test_when_no_endpoint_is_of_use_nothing_is_skipped(scene, single, fault):
    checkpoint = await single.start()
    scene.paid(5)
    for name, value in FAULTS[fault].items():
        setattr(scene.first, name, value)
    with pytest.raises(TransientError):
        await single.poll(checkpoint, scene.watch)
    scene.first.twist, scene.first.garbage, scene.first.status, scene.first.dead = truth, None, 200, False
    assert pending(await fresh(scene, checkpoint)) == {5: 1}


async def test_an_endpoint_of_another_cluster_stops_the_chain(scene):
    scene.first.twist = FAULTS["other cluster"]["twist"]
    opened = solana_source(scene.chain, *scene.urls(1))
    with pytest.raises(WrongChainError, match="speaks for solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"):
        await opened.start()
    await opened.aclose()


async def test_no_error_tells_the_key_in_an_endpoints_address(scene):
    scene.server.node("/SECRETKEY").status = 500
    opened = solana_source(scene.chain, f"{scene.server.url}/SECRETKEY?api-key=SECRETKEY")
    with pytest.raises(TransientError) as caught:
        await opened.start()
    assert "SECRET" not in str(caught.value)
    await opened.aclose()


async def test_a_batch_that_is_too_large_is_sent_in_parts(scene, single):
    checkpoint = await single.start()
    for amount in range(1, 9):
        scene.paid(amount)
    scene.first.most_calls = 2
    sweep = await single.poll(checkpoint, scene.watch)
    assert [*amounts(sweep.final), *pending(sweep)] == [*range(1, 9)]


# --- what lists say, and do not say --------------------------------------------------------------------------


async def test_a_payment_that_a_listing_leaves_out_stays_pending_and_becomes_final(scene, single):
    checkpoint = await single.start()
    txid = scene.pay(5)
    scene.ledger.mine()
    before = await single.poll(checkpoint, scene.watch)
    scene.first.twist = hiding(txid)
    scene.ledger.mine(2)
    after = await single.poll(before.checkpoint, scene.watch)
    assert (pending(after), after.gone) == ({5: 3}, ())
    scene.ledger.mine(FINALITY)
    final, last = await follow(single, after.checkpoint, scene.watch)
    assert (amounts(final), last.gone) == ([5], ())


async def test_a_payment_that_was_listed_late_is_found_below_the_final_slot_and_told_once(scene, single):
    checkpoint = await single.start()
    txid = scene.pay(5)
    scene.first.twist = hiding(txid)
    scene.ledger.mine(FINALITY + 20)
    final, sweep = await follow(single, checkpoint, scene.watch)
    assert (final, sweep.final_height > FINALITY + 5) == ([], True)
    scene.first.twist = truth
    late, sweep = await follow(single, sweep.checkpoint, scene.watch)
    assert amounts(late) == [5]
    scene.ledger.mine(FINALITY)
    assert (await follow(single, sweep.checkpoint, scene.watch))[0] == []


async def test_without_the_overlap_a_payment_that_was_listed_late_would_be_lost(scene, single, monkeypatch):
    monkeypatch.setattr(position, "OVERLAP", 0)
    checkpoint = await single.start()
    scene.first.twist = hiding(scene.pay(5))
    scene.ledger.mine(FINALITY + 20)
    _, sweep = await follow(single, checkpoint, scene.watch)
    scene.first.twist = truth
    scene.ledger.mine(FINALITY)
    assert (await follow(single, sweep.checkpoint, scene.watch))[0] == []


async def test_what_one_endpoint_does_not_list_another_does_and_both_tell_of_it(scene, source):
    checkpoint = await source.start()
    hidden = [scene.pay(5), scene.pay(6)]
    scene.first.twist, scene.second.twist = hiding(hidden[0]), hiding(hidden[1])
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [5, 6]


async def test_an_endpoint_that_does_not_list_what_was_final_has_a_hole_where_more_may_be(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    known = scene.ledger.tip.landed[0].signature
    scene.ledger.mine(FINALITY)
    _, sweep = await follow(single, checkpoint, scene.watch)
    lost = scene.pay(6)
    scene.ledger.mine(FINALITY)
    scene.first.twist = hiding(known, lost)
    with pytest.raises(TransientError, match=f"does not list {known} of {scene.ours}, final in slot [0-9]+: its his"):
        await single.poll(sweep.checkpoint, scene.watch)
    scene.first.twist = truth
    assert amounts((await fresh(scene, sweep.checkpoint)).final) == [6]


async def test_without_that_check_the_hole_would_swallow_a_payment(scene, single, monkeypatch):
    async def believe(_self, _pages):
        """Require nothing."""

    monkeypatch.setattr(Reader, "_require", believe)
    checkpoint = await single.start()
    scene.paid(5)
    known = scene.ledger.tip.landed[0].signature
    scene.ledger.mine(FINALITY)
    _, sweep = await follow(single, checkpoint, scene.watch)
    scene.first.twist = hiding(known, scene.pay(6))
    scene.ledger.mine(FINALITY)
    final, sweep = await follow(single, sweep.checkpoint, scene.watch)
    assert (amounts(final), pending(sweep)) == ([], {})


async def test_failures_that_one_endpoint_invents_do_not_make_another_look_broken(scene, source, monkeypatch):
    monkeypatch.setattr(position, "OVERLAP", 10)
    checkpoint = await source.start()
    invented = [
        {"slot": scene.ledger.tip.slot + 1 + number, "err": "X", "memo": None, "blockTime": None,
         "confirmationStatus": "finalized", "signature": str(Signature.new_unique())}
        for number in range(3)
    ]  # fmt: skip
    scene.paid(5)
    scene.ledger.mine(FINALITY + 30)
    scene.first.twist = instead("getSignaturesForAddress", lambda _, told: [*invented[::-1], *told])
    final, sweep = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [5]
    scene.first.dead = True
    scene.paid(6)
    scene.ledger.mine(FINALITY)
    assert amounts((await follow(source, sweep.checkpoint, scene.watch))[0]) == [6]


async def test_failures_that_somebody_pays_for_are_listed_once_and_not_with_every_poll(scene, single, monkeypatch):
    monkeypatch.setattr(position, "OVERLAP", 20)
    listed: list[int] = []
    scene.first.twist = instead("getSignaturesForAddress", lambda _, told: listed.append(len(told)) or told)
    checkpoint = await single.start()
    scene.paid(5)
    for _ in range(30):
        scene.pay(1, scene.hands.give(scene.ours, 10**15))
    scene.ledger.mine(FINALITY + 30)
    _, sweep = await follow(single, checkpoint, scene.watch)
    assert max(listed) > 30
    listed.clear()
    scene.ledger.mine()
    await single.poll(sweep.checkpoint, scene.watch)
    assert listed == [30]  # all of one slot, below which the listing ends
    scene.paid(7)
    scene.ledger.mine(FINALITY + 30)
    final, sweep = await follow(single, sweep.checkpoint, scene.watch)
    listed.clear()
    await single.poll(sweep.checkpoint, scene.watch)
    assert amounts(final) == [7]
    assert listed[0] <= 31  # that slot's and the payment's own


@pytest.mark.parametrize("known", [1, 2, 5])
async def test_an_endpoint_that_does_not_know_where_a_listing_ends_lists_on_and_nothing_is_told_twice(
    scene, single, known, monkeypatch
):
    monkeypatch.setattr(position, "OVERLAP", 20)
    checkpoint = await single.start()
    for amount in range(1, known + 1):
        scene.paid(amount)
    scene.ledger.mine(FINALITY + 40)
    first, sweep = await follow(single, checkpoint, scene.watch)
    assert amounts(first) == [*range(1, known + 1)]
    scene.paid(77)
    scene.ledger.mine(FINALITY)
    asked = []

    def forgetful(method, params, result):
        if method != "getSignaturesForAddress" or "until" not in params[1]:
            return result
        asked.append(params[1]["until"])  # an unknown `until` ends nothing, silently
        without = {name: value for name, value in params[1].items() if name != "until"}
        return answer(scene.second, method, [params[0], without])

    scene.first.twist = forgetful
    final, _ = await follow(single, sweep.checkpoint, scene.watch)
    assert amounts(final) == [77]
    assert asked or known == 1


async def test_a_node_whose_history_begins_later_than_our_last_reading_is_of_no_use(scene, single, monkeypatch):
    checkpoint = await single.start()
    scene.paid(5)
    scene.ledger.mine(100)
    scene.first.first = scene.ledger.tip.slot - 50
    with pytest.raises(TransientError, match=r"-32001 Block .* cleaned up, does not exist on node"):
        await single.poll(checkpoint, scene.watch)
    assert amounts((await follow(solana_source(scene.chain, *scene.urls(2)), checkpoint, scene.watch))[0]) == [5]


async def test_a_node_that_has_forgotten_only_what_is_in_the_book_goes_on(scene, single, monkeypatch):
    monkeypatch.setattr(position, "OVERLAP", 20)
    checkpoint = await single.start()
    scene.paid(5)
    scene.ledger.mine(FINALITY + 100)
    _, sweep = await follow(single, checkpoint, scene.watch)
    scene.first.first = sweep.final_height - 5
    scene.paid(6)
    scene.ledger.mine(FINALITY)
    assert amounts((await follow(single, sweep.checkpoint, scene.watch))[0]) == [6]


async def test_a_history_without_end_is_not_followed_for_ever(scene, single, monkeypatch):
    monkeypatch.setattr(reader, "MOST_PAGES", 20)
    checkpoint = await single.start()
    slot = scene.ledger.tip.slot + 1
    entry = {"slot": slot, "err": None, "memo": None, "blockTime": None, "confirmationStatus": "confirmed"}
    scene.first.twist = instead(
        "getSignaturesForAddress", lambda *_: [entry | {"signature": str(Signature.new_unique())}]
    )
    with pytest.raises(TransientError, match="lists signatures without end"):
        await single.poll(checkpoint, scene.watch)


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_the_end_of_a_listing_may_stand_behind_others_of_its_slot(scene, single, monkeypatch, page):
    monkeypatch.setattr(listing, "PAGE", page)
    monkeypatch.setattr(position, "OVERLAP", 5)
    checkpoint = await single.start()
    for amount in range(1, 5):
        scene.pay(amount)
    scene.ledger.mine(FINALITY + 10)
    first, sweep = await follow(single, checkpoint, scene.watch)
    assert amounts(first) == [1, 2, 3, 4]
    scene.first.twist = instead(  # older nodes sort by signature within a slot
        "getSignaturesForAddress", lambda _, told: sorted(told, key=lambda one: (-one["slot"], one["signature"]))
    )
    scene.paid(5)
    scene.ledger.mine(FINALITY)
    assert amounts((await follow(single, sweep.checkpoint, scene.watch))[0]) == [5]


async def test_a_signature_that_is_listed_twice_at_the_seam_of_two_pages_is_one(scene, single, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    checkpoint = await single.start()
    for amount in range(1, 6):
        scene.paid(amount)
    last: list[Any] = []

    def seam(_params, told):
        page = [*last[-1:], *told]
        last[:] = told
        return page

    scene.first.twist = instead("getSignaturesForAddress", seam)
    assert [*pending(await single.poll(checkpoint, scene.watch))] == [1, 2, 3, 4, 5]


# --- blocks that are not there -------------------------------------------------------------------------------


async def test_a_payment_whose_block_is_not_told_yet_is_told_with_the_next_poll(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    scene.first.twist = refusing("getBlock", -32014, scene.ledger.tip.slot)
    sweep = await single.poll(checkpoint, scene.watch)
    assert pending(sweep) == {}
    scene.first.twist = truth
    assert pending(await single.poll(sweep.checkpoint, scene.watch)) == {5: 1}


async def test_a_transaction_that_is_listed_before_the_node_has_it_is_told_with_the_next_poll(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    scene.first.twist = instead("getTransaction", None)
    sweep = await single.poll(checkpoint, scene.watch)
    assert pending(sweep) == {}
    scene.ledger.mine(FINALITY)
    with pytest.raises(TransientError, match=r"does not have .*, which it lists"):
        await single.poll(sweep.checkpoint, scene.watch)
    scene.first.twist = truth
    assert amounts((await fresh(scene, sweep.checkpoint)).final) == [5]


async def test_finality_waits_for_a_block_with_signatures_of_ours_that_is_not_there(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    slot = scene.ledger.tip.slot
    scene.ledger.mine(FINALITY)
    scene.first.twist = refusing("getBlock", NOT_AVAILABLE, slot)
    with pytest.raises(TransientError, match=f"does not have the final block {slot} yet"):
        await single.poll(checkpoint, scene.watch)
    scene.first.twist = truth
    assert amounts((await fresh(scene, checkpoint)).final) == [5]


async def test_a_transaction_of_a_version_that_nobody_here_reads_is_said_to_be_so(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    scene.first.twist = refusing("getTransaction", UNSUPPORTED_VERSION)
    with pytest.raises(TransientError, match="-32015"):
        await single.poll(checkpoint, scene.watch)


async def test_a_listing_of_a_fork_and_a_block_of_another_do_not_make_a_payment(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    slot = scene.ledger.tip.slot
    gone = instead("getBlock", lambda params, told: told | {"signatures": []} if params[0] == slot else told)
    scene.first.twist = gone
    with pytest.raises(TransientError, match=f"is not in block {slot}"):
        await single.poll(checkpoint, scene.watch)


# --- forks ---------------------------------------------------------------------------------------------------


async def test_a_payment_in_a_slot_that_the_better_fork_skips_is_gone(scene, source):
    checkpoint = await source.start()
    scene.paid(5)
    before = await source.poll(checkpoint, scene.watch)
    scene.ledger.fork(1)
    scene.ledger.skip(1)
    scene.ledger.mine(2)
    after = await source.poll(before.checkpoint, scene.watch)
    assert after.gone == tuple(entry.payment.key for entry in before.pending)
    assert pending(after) == {}


async def test_a_slot_that_is_said_to_have_no_block_proves_nothing(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    slot = scene.ledger.tip.slot
    scene.ledger.mine()
    before = await single.poll(checkpoint, scene.watch)
    scene.first.twist = refusing("getBlock", NOT_AVAILABLE, slot)
    with pytest.raises(TransientError, match=f"shows neither block {slot} nor what stands in its place"):
        await single.poll(before.checkpoint, scene.watch)
    scene.first.twist = truth
    assert (await fresh(scene, before.checkpoint)).gone == ()


async def test_one_endpoint_alone_cannot_make_a_payment_vanish(scene, source):
    checkpoint = await source.start()
    scene.paid(5)
    slot = scene.ledger.tip.slot
    scene.ledger.mine()
    before = await source.poll(checkpoint, scene.watch)
    scene.first.twist = other_hash(slot)
    after = await source.poll(before.checkpoint, scene.watch)
    assert (pending(after), after.gone) == ({5: 2}, ())


async def test_without_a_second_opinion_one_endpoint_could(scene, source, monkeypatch):
    async def believe(*_):
        """Ask nobody."""

    monkeypatch.setattr(Opinions, "confirm_replaced", believe)
    checkpoint = await source.start()
    scene.paid(5)
    slot = scene.ledger.tip.slot
    scene.ledger.mine()
    before = await source.poll(checkpoint, scene.watch)

    def forked(method, params, result):
        return hiding(before.pending[0].payment.key.txid)(method, params, other_hash(slot)(method, params, result))

    scene.first.twist = forked
    after = await source.poll(before.checkpoint, scene.watch)
    assert after.gone == tuple(entry.payment.key for entry in before.pending)


async def test_a_payment_is_gone_when_both_endpoints_show_another_block(scene, source):
    checkpoint = await source.start()
    scene.paid(5)
    before = await source.poll(checkpoint, scene.watch)
    scene.ledger.fork(1)
    scene.ledger.mine(2)
    scene.second.dead = True
    with pytest.raises(TransientError, match="no second endpoint confirms that block"):
        await source.poll(before.checkpoint, scene.watch)
    scene.second.dead = False
    assert len((await fresh(scene, before.checkpoint, 2)).gone) == 1


async def test_a_final_block_is_not_given_up_on_one_endpoints_word(scene, source):
    checkpoint = await source.start()
    scene.ledger.mine(FINALITY)
    sweep = await source.poll(checkpoint, scene.watch)
    scene.first.twist = other_hash(sweep.final_height)
    scene.ledger.mine()
    assert (await source.poll(sweep.checkpoint, scene.watch)).final_height == sweep.final_height + 1


@pytest.mark.parametrize("skipped", [False, True])
async def test_a_final_block_that_is_replaced_everywhere_stops_the_chain(scene, source, skipped):
    checkpoint = await source.start()
    scene.ledger.mine(FINALITY)
    sweep = await source.poll(checkpoint, scene.watch)
    depth = scene.ledger.tip.slot - sweep.final_height + 1
    scene.ledger.fork(depth)
    scene.ledger.skip(int(skipped))
    scene.ledger.mine(depth + FINALITY)
    with pytest.raises(DeepReorgError, match=f"block {sweep.final_height} was .*, is"):
        await source.poll(sweep.checkpoint, scene.watch)


# --- amounts, memos and large sums ---------------------------------------------------------------------------


async def test_an_endpoint_that_changes_a_memo_is_not_believed(scene, source):
    checkpoint = await source.start()
    scene.pay(5, memo("event:7:wallet:alice"))
    scene.ledger.mine()

    def thief(_params, told):
        wire = base64.b64decode(told["transaction"][0]).replace(b"alice", b"thief")
        return told | {"transaction": [base64.b64encode(wire).decode(), "base64"]}

    scene.first.twist = instead("getTransaction", thief)
    sweep = await source.poll(checkpoint, scene.watch)
    assert [entry.payment.memos for entry in sweep.pending] == [("event:7:wallet:alice",)]


async def test_two_endpoints_that_tell_other_amounts_make_nothing_final(scene, source):
    checkpoint = await source.start()
    scene.paid(5)
    scene.first.twist = instead("getTransaction", other_lamports)
    scene.ledger.mine(FINALITY)
    with pytest.raises(TransientError, match="no second reading of the slots up to"):
        await source.poll(checkpoint, scene.watch)
    scene.first.twist = truth
    assert amounts((await fresh(scene, checkpoint, 2)).final) == [5]


async def test_a_pending_amount_that_two_endpoints_deny_is_gone_when_the_true_one_is_final(scene, source):
    checkpoint = await source.start()
    scene.paid(5)
    scene.first.twist = instead("getTransaction", other_lamports)
    before = await source.poll(checkpoint, scene.watch)
    assert [*pending(before)] == [4]
    scene.first.twist = truth
    scene.ledger.mine(FINALITY)
    final, last = await follow(source, before.checkpoint, scene.watch)
    assert (amounts(final), last.gone) == ([5], tuple(entry.payment.key for entry in before.pending))


async def test_an_endpoint_that_contradicts_itself_at_finality_makes_nothing_final(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    before = await single.poll(checkpoint, scene.watch)
    scene.ledger.mine(FINALITY)
    scene.first.twist = instead("getTransaction", lambda _, told: told | {"meta": told["meta"] | {"err": "Gone"}})
    with pytest.raises(TransientError, match=r"does not tell of .* as before"):
        await single.poll(before.checkpoint, scene.watch)


async def test_a_large_payment_counts_for_nothing_until_two_endpoints_agree(scene):
    limits = {scene.chain.native.id: 100}
    opened = solana_source(scene.chain, *scene.urls(2), agree_above=limits)
    checkpoint = await opened.start()
    await opened.aclose()
    scene.paid(5)
    scene.paid(500)
    scene.second.dead = True
    sweep = await fresh(scene, checkpoint, 2, agree_above=limits)
    assert pending(sweep) == {5: 2, 500: 0}
    assert [entry.payment.block is None for entry in sweep.pending] == [False, True]
    scene.ledger.mine(FINALITY)
    sweep = await fresh(scene, sweep.checkpoint, 2, agree_above=limits)
    assert (amounts(sweep.final), 500 in pending(sweep)) == ([], True)
    scene.second.dead = False
    sweep = await fresh(scene, sweep.checkpoint, 2, agree_above=limits)
    assert amounts(sweep.final) == [5, 500]


async def test_a_large_payment_that_two_endpoints_tell_of_counts_while_it_is_pending(scene):
    limits = {scene.chain.native.id: 100}
    opened = solana_source(scene.chain, *scene.urls(2), agree_above=limits)
    checkpoint = await opened.start()
    await opened.aclose()
    scene.paid(500)
    scene.second.twist = instead("getTransaction", other_lamports)
    sweep = await fresh(scene, checkpoint, 2, agree_above=limits)
    assert pending(sweep) == {500: 0}
    scene.second.twist = truth
    scene.ledger.mine()
    sweep = await fresh(scene, sweep.checkpoint, 2, agree_above=limits)
    assert pending(sweep) == {500: 2}
    scene.second.dead = True
    scene.ledger.mine()
    assert pending(await fresh(scene, sweep.checkpoint, 2, agree_above=limits)) == {500: 3}


# --- endpoints behind each other -----------------------------------------------------------------------------


async def test_finality_goes_as_far_as_the_second_endpoints(scene, source):
    checkpoint = await source.start()
    scene.paid(5)
    scene.ledger.mine(FINALITY)
    scene.second.lag = 3
    sweep = await source.poll(checkpoint, scene.watch)
    assert sweep.final_height <= scene.ledger.newest("finalized", 3).slot
    assert [*amounts(sweep.final), *pending(sweep)] == [5]
    scene.second.lag = 0
    final, _ = await follow(source, sweep.checkpoint, scene.watch)
    assert amounts(sweep.final) + amounts(final) == [5]


async def test_finality_never_falls_to_an_endpoint_that_is_behind(scene, source):
    checkpoint = await source.start()
    scene.ledger.mine(FINALITY)
    before = await source.poll(checkpoint, scene.watch)
    scene.ledger.mine(1)
    scene.second.lag = 4
    after = await source.poll(before.checkpoint, scene.watch)
    assert after.final_height == before.final_height


async def test_an_endpoint_that_stands_still_is_found_out_and_passed_over(scene, source):
    checkpoint = await source.start()
    stuck = scene.ledger.tip.slot
    scene.ledger.mine(10)
    scene.first.lag = 10
    scene.paid(5)
    scene.first.lag = 11
    for _ in range(STANDSTILL + 2):
        sweep = await source.poll(checkpoint, scene.watch)
        checkpoint = sweep.checkpoint
    assert sweep.tip.height > stuck
    assert pending(sweep) == {5: 1}


async def test_an_endpoint_behind_the_slot_that_was_read_is_said_to_lag(scene, single):
    told = []
    opened = solana_source(scene.chain, *scene.urls(1), observer=told.append)
    checkpoint = await opened.start()
    scene.ledger.mine(3)
    sweep = await opened.poll(checkpoint, scene.watch)
    scene.first.lag = 1
    with pytest.raises(TransientError, match="lagging"):
        await opened.poll(sweep.checkpoint, scene.watch)
    assert {spoken.trouble for spoken in told} == {None}
    await opened.aclose()


async def test_a_node_behind_a_shared_address_that_has_not_seen_our_slot_refuses_to_list(scene, single):
    checkpoint = await single.start()
    scene.paid(5)
    behind = {"on": True}

    def sometimes(method, params, result):
        if method == "getSignaturesForAddress" and behind["on"]:
            assert params[1]["minContextSlot"] == scene.ledger.tip.slot
            raise RpcError(-32016, "Minimum context slot has not been reached")
        return result

    scene.first.twist = sometimes
    with pytest.raises(TransientError, match="-32016"):
        await single.poll(checkpoint, scene.watch)
    behind["on"] = False
    assert pending(await fresh(scene, checkpoint)) == {5: 1}
