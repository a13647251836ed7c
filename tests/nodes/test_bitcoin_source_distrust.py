"""What endpoints of a Bitcoin chain may tell, lack or get wrong, and what the source makes of it."""

import hashlib
from unittest.mock import ANY

import pytest

from chains.bitcoin import block as bitcoin_block
from chains.bitcoin import reader as bitcoin_reader
from chains.bitcoin.source import open_bitcoin
from chains.bitcoin.transport import WARMING_UP
from chains.errors import DeepReorgError, TransientError, WrongChainError
from config.settings import ChainSettings
from tests.support.bitcoind import COIN, bitcoind_node, op_return, transaction
from tests.support.bitcoind_proxy import lying_bitcoind
from tests.support.chains_drivers import follow
from tests.support.driver_bitcoin import bitcoin_chain, bitcoin_source, shared_bitcoind
from tests.support.lying_node import without
from tests.support.sweeps import pending, watching

FINALITY = 6


@pytest.fixture
def node():
    running = shared_bitcoind()
    yield running
    running.mine()


@pytest.fixture
async def proxy(node):
    async with lying_bitcoind(node.url) as running:
        yield running


@pytest.fixture
async def source(proxy):
    opened = bitcoin_source(bitcoin_chain(blocks=FINALITY), proxy.url)
    yield opened
    await opened.aclose()


def header_hash(raw):
    return hashlib.sha256(hashlib.sha256(raw[:80]).digest()).digest()[::-1].hex()


# --- lies about blocks ----------------------------------------------------------------------------------------------


def raw_block(change):
    """Tell each raw block changed."""

    def twist(method, params, result):
        return change(bytes.fromhex(result)).hex() if method == "getblock" else result

    return twist


def without_last_transaction(raw):
    """Leave out what a block of two transactions ends with; the header stays as it is."""
    return raw[:80] + b"\x01" + raw[81 : 81 + coinbase_size(raw)] if raw[80] > 1 else raw


def coinbase_size(raw):
    """Return the size of a block's first transaction."""
    walked = bitcoin_block._walk(raw, 81, 1, bitcoin_block.Touching())
    return walked.end - 81


def more_money(raw):
    return raw.replace((5_000).to_bytes(8, "little"), (50_000).to_bytes(8, "little"))


LIES = {
    "a block without its payment": (raw_block(without_last_transaction), "do not hash to its root"),
    "a payment of another amount": (raw_block(more_money), "do not hash to its root"),
    "a block cut short": (raw_block(lambda raw: raw[:-1]), "is cut off"),
    "a block with something behind it": (raw_block(lambda raw: raw + b"\0"), "does not end where it says"),
    "another header": (raw_block(lambda raw: raw[:4] + bytes(32) + raw[36:]), "does not hash to"),
    "no hex": (lambda method, _params, result: "xyz" if method == "getblock" else result, "no hex"),
    "a number for a block": (lambda method, _params, result: 7 if method == "getblock" else result, "no hex"),
    "another header for a hash": (
        lambda method, _params, result: "00" * 80 if method == "getblockheader" else result,
        "does not hash to",
    ),
    "a tip that is no hash": (
        lambda method, _params, result: {**result, "bestblockhash": 7} if method == "getblockchaininfo" else result,
        "malformed",
    ),
    "inputs of another transaction": (
        lambda method, _params, result: (
            {"vin": [{"txid": "ab" * 32, "vout": 0}]} if method == "getrawtransaction" else result
        ),
        "tells of other inputs",
    ),
}


@pytest.mark.parametrize("case", LIES)
async def test_a_lie_about_a_block_is_not_believed(node, proxy, source, case):
    twist, reason = LIES[case]
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    node.mine()
    proxy.twist = twist
    with pytest.raises(TransientError, match=reason):
        await source.poll(checkpoint, watching(ours))


async def test_without_the_check_of_the_root_a_payment_can_be_withheld(node, proxy, source, monkeypatch):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    node.mine()
    monkeypatch.setattr(bitcoin_block, "merkle_root", lambda _leaves: ANY)
    proxy.twist = raw_block(without_last_transaction)
    assert pending(await source.poll(checkpoint, watching(ours))) == {}


def made_up(raw):
    """Return the block with another nonce, which hashes to something that proves no work, even on this chain."""
    candidates = (raw[:76] + nonce.to_bytes(4, "little") + raw[80:] for nonce in range(2**16))
    return next(candidate for candidate in candidates if header_hash(candidate)[0] in "89abcdef")


async def test_a_block_without_work_is_not_believed_though_it_hashes_and_links_up(node, proxy, source, monkeypatch):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    [digest] = node.mine()
    block = made_up(bytes.fromhex(node.rpc("getblock", digest, 0)))
    name = header_hash(block)
    proxy.renamed[name] = digest

    def twist(method, params, result):
        if method in ("getblock", "getblockheader") and params[0] == digest:
            return (block if method == "getblock" else block[:80]).hex()
        if method == "getblockchaininfo":
            return {**result, "bestblockhash": name}
        return name if result == digest else result

    proxy.twist = twist
    with pytest.raises(TransientError, match="does not prove its work"):
        await source.poll(checkpoint, watching(ours))
    monkeypatch.setattr(bitcoin_reader, "unproved", lambda *_: None)
    assert pending(await source.poll(checkpoint, watching(ours)))[5_000] == 1  # an invented confirmation


def from_elsewhere(method, _params, result):
    """Tell that money came from where it did not."""
    if method != "getrawtransaction" or not isinstance(result, dict):
        return result
    origin = {"prevout": {"scriptPubKey": {"hex": "0014" + "ab" * 20}}}
    return {**result, "vin": [{**spent, **origin} for spent in result["vin"]]}


async def test_a_second_endpoint_that_tells_another_story_keeps_money_from_becoming_final(node, proxy):
    async with lying_bitcoind(node.url) as other:
        source = bitcoin_source(bitcoin_chain(blocks=FINALITY), proxy.url, other.url)
        ours = node.address()
        checkpoint = await source.start()
        node.pay((ours, 5_000))
        node.mine(FINALITY)
        other.twist = from_elsewhere
        with pytest.raises(TransientError, match="no second reading of blocks"):
            await source.poll(checkpoint, watching(ours))
        other.twist = proxy.twist
        await source.aclose()
        source = bitcoin_source(bitcoin_chain(blocks=FINALITY), proxy.url, other.url)
        final, _ = await follow(source, checkpoint, watching(ours))
        assert [payment.amount for payment in final] == [5_000]
        await source.aclose()


async def test_a_large_payment_counts_when_two_endpoints_agree_on_its_block(node, proxy):
    chain = bitcoin_chain(blocks=FINALITY)
    async with lying_bitcoind(node.url) as other:
        source = bitcoin_source(chain, proxy.url, other.url, agree_above={chain.native.id: COIN})
        ours = node.address()
        checkpoint = await source.start()
        node.pay((ours, COIN + 1))
        node.mine()
        other.dead = True
        alone = await source.poll(checkpoint, watching(ours))
        assert pending(alone) == {COIN + 1: 0}
        other.dead = False
        agreed = await bitcoin_source(chain, proxy.url, other.url, agree_above={chain.native.id: COIN}).poll(
            alone.checkpoint, watching(ours)
        )
        assert pending(agreed) == {COIN + 1: 1}
        await source.aclose()


async def test_a_final_block_that_changed_stops_the_chain(node, source):
    checkpoint = await source.start()
    node.mine(FINALITY + 2)
    _, sweep = await follow(source, checkpoint, watching())
    node.undo(FINALITY + 2)
    for _ in range(FINALITY + 3):
        node.mine_only()
    with pytest.raises(DeepReorgError, match=str(sweep.final_height)):
        await source.poll(sweep.checkpoint, watching())


# --- nodes that are not ready, or not the right ones ----------------------------------------------------------------


async def test_a_node_of_another_chain_is_refused_for_good(node, proxy, source):
    proxy.twist = lambda method, params, result: "00" * 32 if method == "getblockhash" and params == [0] else result
    with pytest.raises(WrongChainError, match="speaks for bip122:00000000000000000000000000000000"):
        await source.start()


async def test_a_node_that_has_only_just_been_started_is_waited_for(node, proxy, source):
    proxy.deny = lambda _method, _params: {"code": WARMING_UP, "message": "Loading block index…"}
    with pytest.raises(TransientError, match="is starting: Loading block index"):
        await source.start()
    proxy.deny = lambda _method, _params: None
    assert await bitcoin_source(bitcoin_chain(), proxy.url).start()


async def test_a_node_that_is_far_from_the_tip_is_waited_for(node, proxy, source):
    def loading(method, _params, result):
        if method != "getblockchaininfo":
            return result
        return {**result, "initialblockdownload": True, "headers": result["blocks"] + 500}

    proxy.twist = loading
    with pytest.raises(TransientError, match=f"is still loading the chain: block {node.height} of {node.height + 500}"):
        await source.start()


async def test_a_wrong_password_is_told_as_such_and_never_shown(node):
    source = bitcoin_source(bitcoin_chain(), node.url.replace("regtest@", "secret@"))
    with pytest.raises(TransientError, match="check the user and password") as caught:
        await source.start()
    assert "secret" not in str(caught.value)
    await source.aclose()


async def test_a_settings_section_opens_a_source(node):
    chain = bitcoin_chain()
    settings = ChainSettings(endpoints=(node.url,), receive=node.address(), agree_above={"BTC": "0.5"})
    source = open_bitcoin(chain, settings)
    assert (await source.poll(await source.start(), watching())).tip.height == node.height
    await source.aclose()


# --- nodes that keep less than others -------------------------------------------------------------------------------


async def test_a_node_that_does_not_tell_origins_leaves_senders_open_in_the_pool_as_in_the_block(node, proxy, source):
    ours = node.address()
    checkpoint = await source.start()

    def old(method, _params, result):
        if method == "getnetworkinfo":
            return {**result, "version": 220_000}
        if isinstance(result, dict) and "vin" in result:
            return {**result, "vin": [{k: v for k, v in one.items() if k != "prevout"} for one in result["vin"]]}
        return result

    proxy.twist = old
    node.pay((ours, 5_000))
    waiting = await source.poll(checkpoint, watching(ours))
    node.mine()
    mined = await source.poll(waiting.checkpoint, watching(ours))
    for sweep in (waiting, mined):
        [entry] = sweep.pending
        assert (entry.payment.sender, entry.payment.direct) == (None, False)
    assert mined.gone == ()


def at_once(_method, params):
    """Refuse to decode a whole block, as nodes that others run may."""
    return {"code": -8, "message": "not here"} if params[1:] == [3] else None


@pytest.mark.parametrize("deny", [None, at_once], ids=["told at once", "told one by one"])
async def test_where_the_money_of_many_payments_came_from_costs_one_question_a_block(
    node, proxy, source, deny, monkeypatch
):
    monkeypatch.setattr(bitcoin_reader, "ORIGINS_PER_BATCH", 2)
    ours, payer = node.address(), node.address()
    coins = [(node.pay((payer, COIN)), 0) for _ in range(5)]
    node.mine()
    checkpoint = await source.start()
    script = node.script(ours)
    node.mine_only(*(node.signed(transaction([coin], [(script, COIN - 1_000 - n)])) for n, coin in enumerate(coins)))
    if deny is not None:
        proxy.deny = deny
    sweep = await source.poll(checkpoint, watching(ours))
    assert [entry.payment.sender for entry in sweep.pending] == [payer] * 5
    assert proxy.asked.count("getrawtransaction") == (0 if deny is None else 5)


async def test_a_block_that_is_too_large_to_be_decoded_at_once_is_read_all_the_same(node, proxy, source, monkeypatch):
    monkeypatch.setattr(bitcoin_reader, "ORIGINS_PER_BATCH", 1)
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    node.pay((ours, 6_000))
    node.mine()
    monkeypatch.setattr("chains.wire.LARGEST_ANSWER", 12_000)
    proxy.twist = lambda _method, params, result: {"tx": "x" * 20_000} if params[1:] == [3] else result
    assert pending(await source.poll(checkpoint, watching(ours))) == {5_000: 1, 6_000: 1}


@pytest.mark.parametrize("method", ["getrawmempool", "gettxout", "getnetworkinfo"])
async def test_a_node_that_does_not_show_its_pool_is_read_all_the_same(node, proxy, source, method):
    ours = node.address()
    checkpoint = await source.start()
    proxy.deny = without(method)
    node.pay((ours, 5_000))
    waiting = await source.poll(checkpoint, watching(ours))
    assert waiting.pending == ()
    node.mine()
    mined = await bitcoin_source(bitcoin_chain(), proxy.url).poll(waiting.checkpoint, watching(ours))
    assert pending(mined) == {5_000: 1}


async def test_the_pool_of_an_endpoint_that_stands_elsewhere_is_not_looked_at(node, proxy, source):
    ours = node.address()
    checkpoint = await source.start()
    txid = node.pay((ours, 5_000))
    node.mine()
    mined = await source.poll(checkpoint, watching(ours))
    told = {"getbestblockhash": "ab" * 32, "getrawmempool": [txid]}
    proxy.twist = lambda method, _params, result: told.get(method, result)
    assert pending(await source.poll(mined.checkpoint, watching(ours))) == {5_000: 1}


async def test_a_transaction_that_leaves_the_pool_while_it_is_looked_at_is_passed_over(node, proxy, source):
    ours = node.address()
    checkpoint = await source.start()
    node.pay((ours, 5_000))
    proxy.twist = lambda method, _params, result: None if method == "gettxout" else result
    assert (await source.poll(checkpoint, watching(ours))).pending == ()
    proxy.twist = lambda method, _params, result: [*result, "ab" * 32] if method == "getrawmempool" else result
    assert pending(await source.poll(checkpoint, watching(ours))) == {5_000: 0}


async def test_a_waiting_transaction_that_cannot_be_read_hides_no_other(node, proxy, source):
    """Such as carry parts of Litecoin's extension while they wait."""
    ours = node.address()
    checkpoint = await source.start()
    strange = node.pay((node.address(), 5_000))
    node.pay((ours, 6_000))
    proxy.twist = lambda _method, params, result: "0200000000ff" if params[:1] == [strange] else result
    assert pending(await source.poll(checkpoint, watching(ours))) == {6_000: 0}


async def test_a_node_that_tells_another_transaction_than_was_asked_for_is_not_listened_to(node, proxy, source):
    ours = node.address()
    checkpoint = await source.start()
    asked, other = node.pay((node.address(), 5_000)), node.pay((ours, 6_000))
    told = node.raw(other)
    proxy.twist = lambda _method, params, result: told if params[:1] == [asked] else result
    assert (await source.poll(checkpoint, watching(ours))).pending == ()


async def test_each_waiting_transaction_is_looked_at_once(node, proxy, source):
    checkpoint = await source.start()
    node.pay((node.address(), 5_000))
    await source.poll(checkpoint, watching(node.address()))
    proxy.asked.clear()
    await source.poll(checkpoint, watching(node.address()))
    assert "getrawtransaction" not in proxy.asked


@pytest.fixture(scope="module", params=[("-prune=1", "-fastprune"), ("-txindex=1",)], ids=["pruned", "with an index"])
def other_node(request):
    with bitcoind_node(*request.param) as running:
        yield running


async def test_nodes_without_old_blocks_and_nodes_with_an_index_tell_the_same(other_node):
    node, ours = other_node, other_node.address()
    chain = bitcoin_chain(blocks=FINALITY)
    source = bitcoin_source(chain, node.url)
    checkpoint = await source.start()
    old = await source.start(5)
    parent = node.pay((node.address(), COIN))
    node.pay((ours, 5_000), (op_return(b"o:ABC"), 0))
    waiting = await source.poll(checkpoint, watching(ours))
    node.mine(FINALITY)
    final, _ = await follow(source, waiting.checkpoint, watching(ours))
    assert [(payment.amount, payment.memos, payment.sender is None) for payment in final] == [
        (5_000, ("o:ABC",), False)
    ]
    assert parent not in {payment.key.txid for payment in final}
    if node.rpc("getblockchaininfo")["pruned"]:
        node.mine(900)
        node.rpc("pruneblockchain", node.height - 300)
        with pytest.raises(TransientError, match=r"has block [0-9]+ no more, or not yet: Block not available"):
            await follow(source, old, watching(ours))
    await source.aclose()
