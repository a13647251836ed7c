"""Litecoin is Bitcoin by another entry of the registry: shown on a real litecoind, before and behind its extension."""

from dataclasses import replace

import pytest

from chains.account import Account
from chains.accounts import account_of, parse_caip10
from chains.bitcoin import work
from chains.bitcoin.derive import deriving
from chains.bitcoin.inspection import inspect
from chains.bitcoin.script import address_of, script_of, witness_script
from chains.errors import WrongChainError
from chains.hashes import sha256d
from chains.inspection import Given
from config.registry import Network, Registry
from gateway.gate.home import account_given
from tests.support.bitcoind import BUYER, COIN, FEE, MINER, op_return, transaction
from tests.support.chains_drivers import follow
from tests.support.driver_bitcoin import REGTEST as BITCOIN
from tests.support.driver_bitcoin import bitcoin_chain, bitcoin_source
from tests.support.driver_litecoin import REGTEST, litecoin_chain, shared_litecoind
from tests.support.litecoind import EXTENDED, litecoind_node
from tests.support.stage import tpub_of
from tests.support.sweeps import pending, watching
from tests.support.verifier_bitcoin import verdict
from verifier.verdict import Invalid, Valid

FINALITY = 6
MEMO = "event:7:wallet:0x90F79bf6EB2c4f870365E785982E1f101E93b906"
TEXT = "Access event 7 at 1795176000000\nGrüße, 世界 🌍"
CHAIN = litecoin_chain(blocks=FINALITY)


@pytest.fixture
def node():
    running = shared_litecoind()
    yield running
    running.mine()  # what a test left in the pool


@pytest.fixture
async def source(node):
    opened = bitcoin_source(CHAIN, node.url)
    yield opened
    await opened.aclose()


# --- the entry ------------------------------------------------------------------------------------------------------


def test_the_entry_has_the_nodes_genesis_block_in_its_id(node):
    assert f"bip122:{node.rpc('getblockhash', 0)[:32]}" == CHAIN.id == REGTEST


async def test_a_litecoin_node_is_not_taken_for_a_bitcoin_node(node):
    source = bitcoin_source(bitcoin_chain(), node.url)
    with pytest.raises(WrongChainError, match=REGTEST):
        await source.start()
    await source.aclose()


@pytest.mark.parametrize("kind", ["legacy", "p2sh-segwit", "bech32"])
def test_addresses_are_spelt_as_the_node_spells_them(node, kind):
    address = node.address(kind)
    script = node.script(address)
    assert script_of(address, CHAIN.prefixes) == script
    assert address_of(script, CHAIN.prefixes) == address
    account = account_of(address, network=Network.TEST, chain=CHAIN)
    assert (account.chain, account.address) == (REGTEST, address)


@pytest.mark.parametrize("script", [witness_script(0, b"\x11" * 32), witness_script(1, b"\x79" * 32)])
def test_the_node_reads_addresses_that_its_own_wallet_does_not_make(node, script):
    address = address_of(script, CHAIN.prefixes)
    assert node.rpc("validateaddress", address)["scriptPubKey"] == script.hex()


@pytest.mark.parametrize("form", ["wpkh({}/0/*)", "pkh({}/0/*)", "sh(wpkh({}/0/*))"])
def test_orders_get_the_addresses_that_the_node_derives(node, form, monkeypatch, tmp_path):
    monkeypatch.setenv("BCL_DATA_DIR", str(tmp_path))
    described = node.rpc("getdescriptorinfo", form.format(tpub_of("litecoin")))["descriptor"]
    assert deriving(described, CHAIN)(5, 3) == node.rpc("deriveaddresses", described, [5, 7])


def test_headers_prove_their_work_by_scrypt_and_by_nothing_else(node, monkeypatch):
    heights = range(1, 33)
    headers = [bytes.fromhex(node.rpc("getblockheader", node.rpc("getblockhash", at), False)) for at in heights]
    assert {work.unproved(raw, None, at, REGTEST) for raw, at in zip(headers, heights, strict=True)} == {None}
    rules = replace(work.RULES[REGTEST], hashed=sha256d)
    monkeypatch.setitem(work.RULES, REGTEST, rules)  # regtest's target lets one hash in two pass
    assert any(work.unproved(raw, None, at, REGTEST) for raw, at in zip(headers, heights, strict=True))


# --- payments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["legacy", "p2sh-segwit", "bech32"])
async def test_a_payment_with_a_memo_is_seen_in_the_pool_in_its_block_and_final(node, source, kind):
    ours = node.address(kind)
    checkpoint = await source.start()
    txid = node.pay((ours, 12_345), (op_return(MEMO.encode()), 0))
    waiting = await source.poll(checkpoint, watching(ours))
    assert pending(waiting) == {12_345: 0}
    [block] = node.mine()
    mined = await source.poll(waiting.checkpoint, watching(ours))
    [entry] = mined.pending
    payment = entry.payment
    assert (entry.confirmations, payment.destination, payment.memos, payment.asset) == (
        1,
        ours,
        (MEMO,),
        f"{REGTEST}/slip44:1",
    )
    assert (payment.key.txid, payment.key.index, payment.block.hash) == (txid, "0", block)
    assert replace(payment, block=None) == waiting.pending[0].payment
    node.mine(FINALITY - 1)
    final, last = await follow(source, mined.checkpoint, watching(ours))
    assert (final, last.pending, last.gone) == ([payment], (), ())


async def test_no_sender_is_known_for_the_node_does_not_tell_what_inputs_spend(node, source):
    """And so a sweep between our own addresses is not told from income, which Litecoin's page says."""
    order, receive = node.address(), node.address()
    checkpoint = await source.start()
    paid = node.pay((order, COIN))
    node.mine()
    node.send(node.signed(transaction([(paid, 0)], [(node.script(receive), COIN - FEE)])))
    node.mine()
    sweep = await source.poll(checkpoint, watching(order, receive))
    seen = {entry.payment.amount: (entry.payment.sender, entry.payment.internal) for entry in sweep.pending}
    assert seen == {COIN: (None, False), COIN - FEE: (None, False)}


async def test_an_orders_own_address_is_found(node, source, monkeypatch, tmp_path):
    monkeypatch.setenv("BCL_DATA_DIR", str(tmp_path))
    [ours] = deriving(f"wpkh({tpub_of('an order')}/0/*)", CHAIN)(0, 1)
    assert ours.startswith("rltc1q")
    checkpoint = await source.start()
    node.pay((ours, 7))
    node.mine(FINALITY)
    final, _ = await follow(source, checkpoint, watching(ours))
    assert [(payment.destination, payment.amount) for payment in final] == [(ours, 7)]


async def test_a_reorg_takes_a_payment_away_and_it_may_come_back(node, source):
    ours = node.address()
    checkpoint = await source.start()
    txid = node.pay((ours, 5_000))
    raw = node.raw(txid)
    node.mine(2)
    before = await source.poll(checkpoint, watching(ours))
    node.undo(2)
    node.stop()
    node.start()
    node.mine(2)
    lost = await source.poll(before.checkpoint, watching(ours))
    assert ([key.txid for key in lost.gone], lost.pending) == ([txid], ())
    node.send(raw)
    node.mine(FINALITY)
    final, _ = await follow(source, lost.checkpoint, watching(ours))
    assert [payment.key.txid for payment in final] == [txid]


# --- the extension (MWEB, LIP-3) ------------------------------------------------------------------------------------


async def test_an_outage_over_the_first_extension_block_is_caught_up_with():
    with litecoind_node() as node:
        ours = node.address()
        source = bitcoin_source(CHAIN, node.url)
        checkpoint = await source.start()
        for amount in (1, 2):
            node.pay((ours, amount), (op_return(b"before"), 0))
            node.mine(20)
        node.extend()
        assert node.height == EXTENDED
        for amount in (3, 4):
            node.pay((ours, amount), (op_return(b"behind"), 0))
            node.mine(20)
        final, sweep = await follow(source, checkpoint, watching(ours))
        await source.aclose()
    assert [(payment.amount, payment.memos) for payment in final] == [
        (1, ("before",)),
        (2, ("before",)),
        (3, ("behind",)),
        (4, ("behind",)),
    ]
    assert sweep.final_height == EXTENDED + 40 - FINALITY + 1


async def test_coins_that_leave_the_extension_to_us_are_a_payment_by_the_blocks_last_transaction(node, source):
    ours = node.address()
    inside = node.rpc("getnewaddress", "", "mweb", wallet=BUYER)
    node.pay_as_it_likes(inside, 3 * COIN)
    node.mine()
    checkpoint = await source.start()
    node.pay_as_it_likes(ours, COIN, wallet=BUYER)
    waiting = await source.poll(checkpoint, watching(ours))
    assert waiting.pending == ()  # what waits is a transaction of the extension alone
    [digest] = node.mine()
    mined = await source.poll(waiting.checkpoint, watching(ours))
    [entry] = mined.pending
    assert (entry.payment.amount, entry.payment.destination) == (COIN, ours)
    assert entry.payment.key.txid == node.rpc("getblock", digest)["tx"][-1]
    node.mine(FINALITY)
    final, _ = await follow(source, mined.checkpoint, watching(ours))
    assert final == [entry.payment]


async def test_coins_on_their_way_into_the_extension_keep_nobody_from_the_rest_of_the_pool(node, source):
    ours = node.address()
    checkpoint = await source.start()
    node.pay_as_it_likes(node.address("mweb"), COIN)
    node.pay((ours, 5_000))
    sweep = await source.poll(checkpoint, watching(ours))
    assert pending(sweep) == {5_000: 0}
    node.mine()
    assert pending(await source.poll(sweep.checkpoint, watching(ours))) == {5_000: 1}


def test_an_extended_block_on_paper_is_read_raw_and_decoded(node):
    ours = node.address()
    node.pay_as_it_likes(node.address("mweb"), COIN)
    node.pay((ours, 5_000), (op_return(MEMO.encode()), 0))
    [digest] = node.mine()
    raw, decoded = node.rpc("getblock", digest, 0), node.rpc("getblock", digest, 2)
    assert decoded["mweb"]["num_kernels"] == 1
    for told in (raw, decoded):
        found = inspect(Given(block=told), CHAIN, watching(ours))
        assert [(payment.amount, payment.memos) for payment in found.payments] == [(5_000, (MEMO,))]
        assert found.hash == digest


# --- signatures -----------------------------------------------------------------------------------------------------


def on(chain, address):
    account = parse_caip10(f"{chain}:{address}", Network.TEST)
    assert isinstance(account, Account)
    return account


def test_what_the_nodes_wallet_signs_is_valid_for_a_litecoin_account_and_for_its_text_alone(node):
    address = node.address("legacy")
    signature = node.rpc("signmessage", address, TEXT, wallet=MINER)
    account = on(REGTEST, address)
    assert verdict(account, TEXT, signature) == Valid(account=account, scheme="bip137")
    assert isinstance(verdict(account, TEXT + " ", signature), Invalid)


def test_a_bitcoin_wallet_signs_in_other_words(node):
    """Test networks share their oldest addresses, so the chain beside one says which words its wallet signs in."""
    address = node.address("legacy")
    signature = node.rpc("signmessage", address, TEXT, wallet=MINER)
    assert isinstance(verdict(on(BITCOIN, address), TEXT, signature), Invalid)


def test_a_shared_address_is_taken_to_be_on_the_chain_that_is_sold_on(node):
    address = node.address("legacy")
    signature = node.rpc("signmessage", address, TEXT, wallet=MINER)
    sold = account_given(address, network=Network.TEST, registry=Registry((CHAIN,)))
    assert verdict(sold, TEXT, signature) == Valid(account=sold, scheme="bip137")
    both = account_given(address, network=Network.TEST, registry=Registry((bitcoin_chain(), CHAIN)))
    assert both.chain == BITCOIN
