"""Solana as a source, on the emulated node: orders by reference, tokens, catch-up, skipped slots, memory and cost."""

import json
from dataclasses import dataclass, replace

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from spl.token import instructions as spl
from spl.token.models import InitializeAccount3Params

from chains.catalogue import derivation, inspector, open_source
from chains.errors import TransientError
from chains.inspection import Given
from chains.port import Watch
from chains.solana import listing, position, sight
from chains.solana.reference import references
from config.registry import Chain, Family
from config.settings import ChainSettings
from tests.nodes.solana.rpc import answer
from tests.nodes.solana.server import Server
from tests.nodes.solana.tokens import TOKEN, TOKEN_2022
from tests.support.chains_drivers import follow
from tests.support.natures import FINALITY
from tests.support.solana_node import CHAIN, RENT, Hands, hands, memo, solana_chain, solana_node, solana_source, wallet
from tests.support.sweeps import amounts

ORDERS = references(b"secret of the tests", CHAIN, 0, 2000)


@dataclass
class Scene:
    """A node, somebody who pays in coins and in a token, and a wallet of ours."""

    server: Server
    hands: Hands
    ours: str
    mint: Pubkey
    chain: Chain
    watch: Watch

    @property
    def ledger(self):
        return self.server.ledger

    @property
    def account(self):
        return self.hands.account(Pubkey.from_string(self.ours), self.mint)

    def tokens(self, amount):
        """Calls that pay us in tokens, and open our account for them if need be."""
        return (
            self.hands.opened(Pubkey.from_string(self.ours), self.mint),
            self.hands.pass_on(self.mint, self.account, amount),
        )

    def source(self, **bounds):
        return solana_source(self.chain, self.server.url, **bounds)


@pytest.fixture
async def scene():
    async with solana_node() as server:
        payer = hands(server.ledger)
        mint = payer.mint()
        payer.stock(mint, 10**9)
        ours = str(wallet(payer))
        server.ledger.mine(FINALITY)
        watch = Watch(active=frozenset({ours, *ORDERS}))
        yield Scene(server=server, hands=payer, ours=ours, mint=mint, chain=solana_chain(mint), watch=watch)


@pytest.fixture
async def source(scene):
    opened = scene.source()
    yield opened
    await opened.aclose()


def pending(sweep):
    return [entry.payment.amount for entry in sweep.pending]


async def test_an_order_is_found_by_the_reference_in_its_link(scene, source):
    checkpoint = await source.start()
    scene.hands.send(scene.hands.give(scene.ours, 5, ORDERS[1234]), memo("o:CODE"))
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    [payment] = final
    assert (payment.references, payment.memos, payment.destination) == ((ORDERS[1234],), ("o:CODE",), scene.ours)


async def test_what_a_poll_asks_for_does_not_grow_with_the_orders_that_are_open(scene, source):
    checkpoint = await source.start()
    scene.ledger.mine(FINALITY)
    node = scene.server.node()
    asked = []
    for count in (1, 2000):
        node.asked.clear()
        await source.poll(checkpoint, Watch(active=frozenset({scene.ours, *ORDERS[:count]})))
        asked.append(sorted(node.asked))
    assert asked[0] == asked[1]


async def test_a_quiet_poll_takes_three_requests_and_seven_calls(scene, source):
    checkpoint = (await source.poll(await source.start(), scene.watch)).checkpoint
    scene.ledger.mine()
    node = scene.server.node()
    node.asked.clear()
    before = node.requests
    await source.poll(checkpoint, scene.watch)
    assert sorted(node.asked) == [
        "getAccountInfo", "getBlock", "getBlock", "getLatestBlockhash",
        "getSignaturesForAddress", "getSignaturesForAddress", "getSlot",
    ]  # fmt: skip
    assert node.requests - before == 3


async def test_tokens_are_found_though_the_account_was_opened_after_the_reading_began(scene, source):
    checkpoint = (await source.poll(await source.start(), scene.watch)).checkpoint
    scene.ledger.mine(3)
    scene.hands.send(*scene.tokens(25))
    scene.ledger.mine()
    sweep = await source.poll(checkpoint, scene.watch)
    assert pending(sweep) == [25]
    scene.hands.send(scene.hands.pass_on(scene.mint, scene.account, 26))  # names the token account only
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, sweep.checkpoint, scene.watch)
    assert amounts(final) == [25, 26]
    assert {payment.asset for payment in final} == {f"{CHAIN}/token:{scene.mint}"}


async def test_tokens_of_the_newer_program_are_found_by_the_account_that_it_derives(scene):
    mint = scene.hands.mint(program=TOKEN_2022, fee_bps=100)
    scene.hands.stock(mint, 10**6, TOKEN_2022)
    scene.ledger.mine(FINALITY)
    source = solana_source(solana_chain(mint), scene.server.url)
    checkpoint = await source.start()
    ours = Pubkey.from_string(scene.ours)
    to = scene.hands.account(ours, mint, TOKEN_2022)
    scene.hands.send(
        scene.hands.opened(ours, mint, TOKEN_2022), scene.hands.pass_on(mint, to, 1000, TOKEN_2022), memo("paid")
    )
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert [(payment.amount, payment.memos) for payment in final] == [(990, ("paid",))]
    await source.aclose()


async def test_a_token_account_of_ours_beside_the_derived_one_is_found_in_time(scene, source, monkeypatch):
    monkeypatch.setattr(sight, "DISCOVERY", 20)
    checkpoint = (await source.poll(await source.start(), scene.watch)).checkpoint
    scene.hands.done(scene.hands.pass_on(scene.mint, opened_beside(scene), 31))
    found = []
    for _ in range(12):
        scene.ledger.mine(3)
        final, sweep = await follow(source, checkpoint, scene.watch)
        checkpoint = sweep.checkpoint
        found += final
    assert [(payment.amount, payment.destination) for payment in found] == [(31, scene.ours)]


async def test_a_token_account_that_was_opened_and_paid_in_a_long_outage_is_found(scene, source):
    scene.hands.done(scene.hands.opened(Pubkey.from_string(scene.ours), scene.mint))
    _, before = await follow(source, await source.start(), scene.watch)
    scene.hands.done(scene.hands.pass_on(scene.mint, opened_beside(scene), 31))
    scene.ledger.mine(2 * position.OVERLAP)
    found, sweep = await follow(source, before.checkpoint, scene.watch)
    scene.ledger.mine(2 * sight.DISCOVERY)
    late, _ = await follow(source, sweep.checkpoint, scene.watch)
    assert [(payment.amount, payment.destination) for payment in (*found, *late)] == [(31, scene.ours)]


def opened_beside(scene):
    """Open a token account of our wallet that is not the derived one."""
    other = Keypair()
    opened = CreateAccountParams(
        from_pubkey=scene.hands.payer.pubkey(), to_pubkey=other.pubkey(), lamports=2_039_280, space=165, owner=TOKEN
    )
    first = InitializeAccount3Params(
        program_id=TOKEN, account=other.pubkey(), mint=scene.mint, owner=Pubkey.from_string(scene.ours)
    )
    scene.hands.done(create_account(opened), spl.initialize_account3(first), signers=[other])
    return other.pubkey()


async def test_payments_in_one_block_are_final_in_the_order_of_the_block(scene, source):
    checkpoint = await source.start()
    for amount in (7, 3, 9, 1, 8):
        scene.hands.send(*(scene.tokens(amount) if amount % 2 else [scene.hands.give(scene.ours, amount)]))
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [7, 3, 9, 1, 8]


async def test_a_transaction_that_names_two_accounts_of_ours_is_read_once(scene, source):
    checkpoint = await source.start()
    scene.hands.send(*scene.tokens(25), scene.hands.give(scene.ours, 5))
    scene.ledger.mine()
    sweep = await source.poll(checkpoint, scene.watch)
    assert sorted(pending(sweep)) == [5, 25]
    assert scene.server.node().asked.count("getTransaction") == 1


async def test_a_failed_transaction_is_not_even_asked_for(scene, source):
    checkpoint = await source.start()
    txid = scene.hands.send(scene.hands.give(scene.ours, 5), scene.hands.give(scene.ours, 10**15))
    scene.ledger.mine(FINALITY)
    assert scene.ledger.find(txid) is not None
    assert await follow(source, checkpoint, scene.watch) == ([], (await source.poll(checkpoint, scene.watch)))
    assert "getTransaction" not in scene.server.node().asked


async def test_skipped_slots_are_stepped_over(scene, source):
    checkpoint = await source.start()
    for amount in range(1, 6):
        scene.hands.send(scene.hands.give(scene.ours, amount))
        scene.ledger.skip(amount)
        scene.ledger.mine(2)
    final, sweep = await follow(source, checkpoint, scene.watch)
    assert sweep.final_height == scene.ledger.newest("finalized").slot
    assert amounts(final) + pending(sweep) == [1, 2, 3, 4, 5]
    assert all(entry.confirmations <= FINALITY - 1 for entry in sweep.pending)
    scene.ledger.skip(40)
    scene.ledger.mine(FINALITY)
    rest, last = await follow(source, sweep.checkpoint, scene.watch)
    assert amounts(final) + amounts(rest) == [1, 2, 3, 4, 5]
    assert last.pending == ()


async def test_more_slots_than_blocks_do_not_make_a_payment_look_final(scene, source):
    checkpoint = await source.start()
    scene.hands.send(scene.hands.give(scene.ours, 5))
    scene.ledger.mine()
    scene.ledger.skip(1000)
    scene.ledger.mine()
    sweep = await source.poll(checkpoint, scene.watch)
    assert [entry.confirmations for entry in sweep.pending] == [FINALITY - 1]


async def test_after_a_thousand_blocks_everything_is_found_once_and_in_order(scene, source):
    checkpoint = await source.start()
    for amount in range(1, 101):
        scene.hands.send(*(scene.tokens(amount) if amount % 3 == 0 else [scene.hands.give(scene.ours, amount)]))
        scene.ledger.mine(10)
    scene.ledger.mine(FINALITY)
    at_once, last = await follow(source, checkpoint, scene.watch)
    assert amounts(at_once) == [*range(1, 101)]
    for bounds in ({"slots_per_poll": 137}, {"transactions_per_poll": 17}):
        in_parts, also_last = await follow(scene.source(**bounds), checkpoint, scene.watch)
        assert in_parts == at_once
        assert also_last.checkpoint["final"] == last.checkpoint["final"]


async def test_a_slot_is_read_in_full_however_little_a_poll_may_read(scene):
    source = scene.source(transactions_per_poll=1)
    checkpoint = await source.start()
    for amount in range(1, 13):
        scene.hands.send(scene.hands.give(scene.ours, amount))
        if amount % 3 == 0:
            scene.ledger.mine()
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [*range(1, 13)]


async def test_the_pages_of_a_long_history_are_read_to_their_end(scene, source, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 4)
    checkpoint = await source.start()
    for amount in range(1, 31):
        scene.hands.send(scene.hands.give(scene.ours, amount))
        if amount % 5 == 0:
            scene.ledger.mine()
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [*range(1, 31)]


async def test_a_backlog_that_is_too_long_to_hold_is_read_from_its_old_end(scene, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 4)
    monkeypatch.setattr(listing, "MOST_LISTED", 16)
    source = scene.source()
    checkpoint = await source.start()
    for amount in range(1, 101):
        scene.hands.send(scene.hands.give(scene.ours, amount))
        if amount % 2 == 0:
            scene.ledger.mine()
    scene.ledger.mine(FINALITY)
    final, last = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [*range(1, 101)]
    assert last.final_height == scene.ledger.newest("finalized").slot


async def test_the_checkpoint_stays_small_whatever_passes(scene, source):
    checkpoint = await source.start()
    sizes = []
    for _ in range(6):
        for amount in range(1, 101):
            scene.hands.send(scene.hands.give(scene.ours, amount))
        scene.ledger.mine(FINALITY)
        _, sweep = await follow(source, checkpoint, scene.watch)
        checkpoint = sweep.checkpoint
        sizes.append(len(json.dumps(checkpoint)))
    assert max(sizes) < (position.MOST_KNOWN + 2) * 100 + 2000
    scene.ledger.mine(position.OVERLAP + FINALITY)
    _, sweep = await follow(source, checkpoint, scene.watch)
    assert len(json.dumps(sweep.checkpoint)) < 2000


async def test_what_was_paid_before_the_reading_began_is_not_told(scene, source):
    scene.hands.done(scene.hands.give(scene.ours, 3))
    scene.ledger.mine(FINALITY)
    checkpoint = await source.start()
    scene.hands.done(scene.hands.give(scene.ours, 4))
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert amounts(final) == [4]


async def test_reading_begins_with_the_slot_that_is_asked_for(scene, source):
    scene.hands.done(scene.hands.give(scene.ours, 3))
    scene.ledger.skip(3)
    scene.hands.send(scene.hands.give(scene.ours, 4))
    scene.ledger.mine()
    slot = scene.ledger.tip.slot
    scene.hands.done(scene.hands.give(scene.ours, 5))
    scene.ledger.mine(FINALITY)
    for height, expected in ((slot - 10, [3, 4, 5]), (slot, [4, 5]), (slot - 2, [4, 5]), (slot + 1, [5]), (10**9, [])):
        final, _ = await follow(source, await source.start(height), scene.watch)
        assert amounts(final) == expected, height


async def test_a_reference_or_wallet_that_has_left_the_watch_is_not_forgotten_while_its_payment_is_under_way(
    scene, source
):
    checkpoint = await source.start()
    scene.hands.send(*scene.tokens(25), memo("still ours"))
    scene.ledger.mine()
    sweep = await source.poll(checkpoint, scene.watch)
    scene.ledger.mine(FINALITY)
    without_token = solana_source(replace(scene.chain, tokens=()), scene.server.url)
    final, last = await follow(without_token, sweep.checkpoint, Watch(active=frozenset()))
    assert (amounts(final), last.gone) == ([25], ())
    await without_token.aclose()


async def test_nothing_is_watched_and_nothing_is_asked_of_addresses(scene, source):
    checkpoint = await source.start()
    scene.ledger.mine(FINALITY)
    sweep = await source.poll(checkpoint, Watch(active=frozenset({"0x" + "00" * 20, "not an address", ORDERS[0]})))
    assert sweep.final_height == scene.ledger.newest("finalized").slot
    assert "getSignaturesForAddress" not in scene.server.node().asked


async def test_a_retired_wallet_is_still_looked_at(scene, source):
    checkpoint = await source.start()
    scene.hands.send(scene.hands.give(scene.ours, 5, ORDERS[7]))
    scene.ledger.mine(FINALITY)
    retired = Watch(active=frozenset(), retired=frozenset({scene.ours, ORDERS[7]}))
    [payment] = (await follow(source, checkpoint, retired))[0]
    assert (payment.amount, payment.references) == (5, (ORDERS[7],))


async def test_a_payment_becomes_known_at_confirmed_and_not_before():
    async with solana_node(confirmed=2) as server:
        payer = hands(server.ledger)
        ours = str(wallet(payer))
        server.ledger.mine(FINALITY)
        source = solana_source(solana_chain(), server.url)
        watch = Watch(active=frozenset({ours}))
        checkpoint = await source.start()
        payer.send(payer.give(ours, 5))
        server.ledger.mine(2)
        assert pending(await source.poll(checkpoint, watch)) == []
        server.ledger.mine()
        assert pending(await source.poll(checkpoint, watch)) == [5]
        await source.aclose()


async def test_the_catalogue_opens_derives_and_inspects(scene):
    settings = ChainSettings(endpoints=(scene.server.url,), receive=scene.ours)
    chain = solana_chain()
    source = open_source(chain, settings)
    derive = derivation(chain, settings, lambda: b"secret of the tests")
    assert derive is not None
    assert derive(5, 2) == ORDERS[5:7]
    checkpoint = await source.start()
    txid = scene.hands.done(scene.hands.give(scene.ours, RENT, ORDERS[5]))
    scene.ledger.mine(FINALITY)
    final, _ = await follow(source, checkpoint, scene.watch)
    assert [(payment.amount, payment.references) for payment in final] == [(RENT, (ORDERS[5],))]
    await source.aclose()
    options = {"encoding": "base64", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    given = Given(transaction=answer(scene.server.node(), "getTransaction", [txid, options]))
    inspected = inspector(Family.SOLANA)(given, chain, scene.watch)
    assert [payment.amount for payment in inspected.payments] == [RENT]


async def test_a_mint_that_the_cluster_does_not_have_is_said_to_be_missing(scene):
    stranger = Keypair().pubkey()
    source = solana_source(solana_chain(stranger), scene.server.url)
    with pytest.raises(TransientError, match=f"{stranger} is no mint there"):
        await source.poll(await source.start(), scene.watch)
    await source.aclose()
