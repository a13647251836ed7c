"""Payments as a real node shows them: which are found, which are none, and when they are final."""

from dataclasses import replace

import pytest

from chains.evm.address import display
from chains.evm.ours import TRANSFER, topic_of
from chains.evm.parse import CheckedBlock, check_block
from chains.port import Watch
from config.keccak import keccak256
from tests.support.anvil import anvil_node
from tests.support.chains_contracts import bytecode
from tests.support.chains_drivers import deploy, evm_chain, evm_source, follow, pay_call, transfer_call, with_token
from tests.support.lying_node import lying_node

MEMO = "event:42:wallet:0x90F79bf6EB2c4f870365E785982E1f101E93b906"


@pytest.fixture
def node():
    with anvil_node(137, "--slots-in-an-epoch", "1") as running:
        yield running


@pytest.fixture
def ours(node):
    return display(bytes.fromhex(node.accounts[3][2:]))


@pytest.fixture
def coin(node):
    return deploy(node, "Coin")


@pytest.fixture
def chain(coin):
    return with_token(evm_chain(137, tag="finalized"), coin)


@pytest.fixture
async def source(chain, node):
    opened = evm_source(chain, node.url)
    yield opened
    await opened.aclose()


async def seen(source, checkpoint, *addresses):
    sweep = await source.poll(checkpoint, Watch(active=frozenset(addresses)))
    return [entry.payment for entry in sweep.pending]


async def test_native_value_with_its_memo(node, source, ours):
    checkpoint = await source.start()
    node.send(to=ours, value=10**18, data="0x" + MEMO.encode().hex())
    node.mine()
    [payment] = await seen(source, checkpoint, ours)
    assert (payment.amount, payment.memos, payment.asset) == (10**18, (MEMO,), "eip155:137/slip44:966")


async def test_a_token_with_the_memo_behind_its_arguments(node, source, chain, coin, ours):
    checkpoint = await source.start()
    node.send(to=coin, data=transfer_call(ours, 25 * 10**18, MEMO))
    node.mine()
    [payment] = await seen(source, checkpoint, ours)
    assert (payment.amount, payment.memos, payment.asset) == (25 * 10**18, (MEMO,), chain.tokens[0].id)
    assert payment.sender == display(bytes.fromhex(node.accounts[0][2:]))


async def test_several_logs_in_one_transaction_are_several_payments(node, source, coin, ours):
    payer = deploy(node, "Payer")
    node.send(to=coin, data=transfer_call(payer, 100))
    node.mine()
    checkpoint = await source.start()
    first = node.send(to=coin, data=transfer_call(node.accounts[5], 1))  # stands first in the block's log numbers
    node.send(to=payer, data=pay_call(coin, ours, 5, 3))
    node.mine()
    assert node.rpc("eth_getTransactionReceipt", first)["logs"][0]["logIndex"] == "0x0"
    payments = await seen(source, checkpoint, ours)
    assert [(payment.key.index, payment.amount, payment.sender) for payment in payments] == [
        ("0", 5, payer),
        ("1", 5, payer),
        ("2", 5, payer),
    ]


async def test_a_failed_transaction_is_no_payment(node, source, ours):
    node.rpc("anvil_setCode", ours, node.rpc("eth_getCode", deploy(node, "Refuser"), "latest"))
    checkpoint = await source.start()
    txid = node.send(to=ours, value=5)
    node.mine()
    assert node.rpc("eth_getTransactionReceipt", txid)["status"] == "0x0"
    assert await seen(source, checkpoint, ours) == []


async def test_contract_creations_zero_values_and_look_alike_tokens_are_no_payments(node, source, coin, ours):
    look_alike = deploy(node, "Coin")
    checkpoint = await source.start()
    node.send(to=None, data=bytecode("Coin"))
    node.send(to=ours, value=0, data="0x" + MEMO.encode().hex())
    node.send(to=coin, data=transfer_call(ours, 0, MEMO))
    node.send(to=look_alike, data=transfer_call(ours, 10**18, MEMO))
    node.mine()
    assert await seen(source, checkpoint, ours) == []


async def test_logs_of_another_shape_from_a_listed_token_are_no_payments(node, chain, ours):
    forger = deploy(node, "Forger")
    source = evm_source(with_token(chain, forger), node.url)
    checkpoint = await source.start()
    to_us = [TRANSFER, topic_of(node.accounts[0]), topic_of(ours.lower())]
    word = f"{7:064x}"
    for topics, data in [
        (to_us[:2], word),
        ([*to_us, "0x" + word], word),  # ERC-721: the amount would be a token's id
        (to_us, ""),
        (to_us, word + word),
        (to_us, word),  # the one good one
    ]:
        node.send(to=forger, data=emit_call(topics, data))
    node.mine()
    payments = await seen(source, checkpoint, ours)
    await source.aclose()
    assert [payment.amount for payment in payments] == [7]


def emit_call(topics, data):
    """Return the calldata of `Forger.emitLog(bytes32[],bytes)`."""
    head = keccak256(b"emitLog(bytes32[],bytes)").hex()[:8]
    words = [f"{64:064x}", f"{64 + 32 + 32 * len(topics):064x}", f"{len(topics):064x}"]
    words += [topic[2:] for topic in topics]
    words += [f"{len(data) // 2:064x}", data]
    return f"0x{head}{''.join(words)}"


async def test_value_from_our_own_address_is_internal(node, source, ours):
    checkpoint = await source.start()
    mine = display(bytes.fromhex(node.accounts[4][2:]))
    node.send(to=ours, value=5, sender=node.accounts[4])
    node.mine()
    assert [payment.internal for payment in await seen(source, checkpoint, ours, mine)] == [True]
    assert [payment.internal for payment in await seen(source, checkpoint, ours)] == [False]


async def test_finality_is_the_nodes_own_word_where_it_has_one(node, source, ours):
    checkpoint = await source.start()
    node.send(to=ours, value=5)
    node.mine(3)
    sweep = await source.poll(checkpoint, Watch(active=frozenset({ours})))
    assert sweep.final_height == sweep.tip.height - 2
    assert [payment.amount for payment in sweep.final] == [5]


@pytest.mark.parametrize(
    "fork", ["homestead", "byzantium", "berlin", "london", "paris", "shanghai", "cancun", "prague", "osaka"]
)
def test_a_header_of_every_fork_hashes_to_the_hash_that_the_node_gives_it(fork):
    with anvil_node(1, "--hardfork", fork) as node:
        node.mine(2)
        block = node.rpc("eth_getBlockByNumber", "latest", True)
        checked = check_block(block, height=2)
        assert isinstance(checked, CheckedBlock)
        assert checked.link.hash == block["hash"]


async def test_finality_is_a_depth_where_the_node_does_not_know_the_word(node, chain, ours):
    source = evm_source(replace(chain, finality=replace(chain.finality, tag="irreversible", blocks=5)), node.url)
    node.mine(10)
    sweep = await source.poll(await source.start(0), Watch(active=frozenset({ours})))
    await source.aclose()
    assert sweep.final_height == sweep.tip.height - 4


async def test_after_an_outage_of_500_blocks_nothing_is_missing(node, source, coin, ours):
    checkpoint = await source.start()
    for amount in range(1, 11):
        node.send(to=ours, value=amount)
        node.send(to=coin, data=transfer_call(ours, 100 + amount))
        node.mine(50)
    final, sweep = await follow(source, checkpoint, Watch(active=frozenset({ours})))
    assert sweep.tip.height == node.height()
    assert sorted(payment.amount for payment in final) == [*range(1, 11), *range(101, 111)]
    heights = [payment.block.height for payment in final]
    assert heights == sorted(heights)


async def test_a_retired_address_is_looked_at_when_its_block_becomes_final(node, source, coin, ours):
    checkpoint = await source.start()
    watch = Watch(active=frozenset(), retired=frozenset({ours}))
    node.send(to=coin, data=transfer_call(ours, 9))
    node.mine(6)
    final, _ = await follow(source, checkpoint, watch)
    assert [payment.amount for payment in final] == [9]


async def test_an_address_that_came_into_the_watch_after_its_block_was_read_is_found_at_finality(
    node, source, coin, ours
):
    checkpoint = await source.start()
    node.send(to=coin, data=transfer_call(ours, 9))
    node.send(to=ours, value=8)
    node.mine()
    early = await source.poll(checkpoint, Watch(active=frozenset()))
    node.mine(6)
    final, _ = await follow(source, early.checkpoint, Watch(active=frozenset({ours})))
    assert [payment.amount for payment in final] == [9, 8]


async def test_log_queries_over_too_many_blocks_are_halved_until_the_node_takes_them(node, chain, coin, ours):
    async with lying_node(node.url, most_heights=3) as proxy:
        source = evm_source(chain, proxy.url)
        checkpoint = await source.start()
        for amount in range(1, 11):
            node.send(to=coin, data=transfer_call(ours, amount))
            node.mine()
        sweep = await source.poll(checkpoint, Watch(active=frozenset({ours})))
        await source.aclose()
    assert [payment.amount for payment in sweep.final] + [entry.payment.amount for entry in sweep.pending] == [
        *range(1, 11)
    ]


async def test_quiet_blocks_are_read_without_a_single_log_query(node, chain, ours):
    """The bloom proves that there is nothing to ask for: cost follows our payments, not the chain's traffic."""
    async with lying_node(node.url) as proxy:
        source = evm_source(chain, proxy.url)
        checkpoint = await source.start()
        node.send(to=ours, value=5)
        node.mine(50)
        await follow(source, checkpoint, Watch(active=frozenset({ours})))
        await source.aclose()
        assert "eth_getLogs" not in proxy.asked
        assert proxy.asked.count("eth_getTransactionReceipt") == 1


async def test_a_chain_whose_headers_cannot_be_hashed_is_held_together_by_its_links(node, chain, coin, ours):
    def future(method, _params, result):
        """Tell of headers with a field more in their hash, as a fork to come will."""
        return {**result, "extraData": "0x11"} if method == "eth_getBlockByNumber" and result else result

    async with lying_node(node.url, twist=future) as proxy:
        source = evm_source(replace(chain, checked_headers=False), proxy.url)
        checkpoint = await source.start()
        node.send(to=coin, data=transfer_call(ours, 9))
        node.mine()
        sweep = await source.poll(checkpoint, Watch(active=frozenset({ours})))
        await source.aclose()
    assert [entry.payment.amount for entry in sweep.pending] == [9]
