"""Catching up after an outage, against the loop that one writes with web3.py, and against the node's own speed.

    python -m bench.catch_up [--blocks 300] [--transactions 200] [--json]

One anvil serves all three in the same run, and is the slowest part of it: it recovers every sender anew. So the CPU
seconds that each client spends per block are told as well: what remains when a node is quick. The plain loop asks for
block after block with its transactions, and for each block's token logs, and looks at every receiver. The node's own
speed is the raw bytes of the same blocks, fetched in the same batches and thrown away.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time

import aiohttp
import orjson
from web3 import AsyncHTTPProvider, AsyncWeb3

from bench.report import Result, against, report
from chains.evm.ours import TRANSFER, topic_of
from chains.evm.reader import BLOCKS_PER_BATCH
from chains.port import ChainSource, Watch
from chains.reading import IN_FLIGHT
from config.registry import Chain
from tests.support.anvil import Anvil, anvil_node
from tests.support.chains_drivers import deploy, evm_chain, evm_source, transfer_call, with_token

PAID_EVERY = 50
"""Blocks; in between nobody pays us."""


async def fill(node: Anvil, coin: str, blocks: int, transactions: int) -> None:
    """Mine blocks of foreign transfers; now and then one of them pays us, in coins."""
    headers = {"Content-Type": "application/json"}
    foreign = {"from": node.accounts[0], "to": node.accounts[1], "value": "0x1", "gas": "0x5208"}
    paying = {"from": node.accounts[0], "to": coin, "data": transfer_call(node.accounts[3], 7), "gas": "0x186a0"}
    async with aiohttp.ClientSession() as session:
        for block in range(blocks):
            sent = [paying if block % PAID_EVERY == 0 and not place else foreign for place in range(transactions)]
            calls = [
                {"jsonrpc": "2.0", "id": place, "method": "eth_sendTransaction", "params": [transaction]}
                for place, transaction in enumerate(sent)
            ]
            calls.append({"jsonrpc": "2.0", "id": transactions, "method": "anvil_mine", "params": ["0x1"]})
            async with session.post(node.url, data=orjson.dumps(calls), headers=headers) as response:
                await response.read()


async def caught_up(source: ChainSource, first: int, watch: Watch) -> int:
    """Follow to the tip and return how many payments were found."""
    checkpoint, found = await source.start(first), 0
    while True:
        sweep = await source.poll(checkpoint, watch)
        checkpoint, found = sweep.checkpoint, found + len(sweep.final)
        if not sweep.behind:
            return found + len(sweep.pending)


async def plain_loop(node: Anvil, coin: str, first: int, last: int, ours: str) -> int:
    """Do the same as one writes it with web3.py: no checks, no reorgs, no second look."""
    web3 = AsyncWeb3(AsyncHTTPProvider(node.url))
    found = 0
    for height in range(first, last + 1):
        block = await web3.eth.get_block(height, full_transactions=True)
        found += sum(1 for transaction in block["transactions"] if transaction.get("to") == ours)
        logs = await web3.eth.get_logs(
            {"fromBlock": height, "toBlock": height, "address": coin, "topics": [TRANSFER, None, topic_of(ours)]}
        )
        found += len(logs)
    await web3.provider.disconnect()
    return found


async def raw_bytes(node: Anvil, first: int, last: int) -> int:
    """Fetch the blocks in the reader's batches and throw them away."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def fetch(session: aiohttp.ClientSession, start: int) -> int:
        calls = [
            {"jsonrpc": "2.0", "id": height, "method": "eth_getBlockByNumber", "params": [hex(height), True]}
            for height in range(start, min(start + BLOCKS_PER_BATCH, last + 1))
        ]
        async with gate, session.post(node.url, json=calls) as response:
            return len(await response.read())

    async with aiohttp.ClientSession() as session:
        sizes = await asyncio.gather(*(fetch(session, start) for start in range(first, last + 1, BLOCKS_PER_BATCH)))
    return sum(sizes)


async def timed(work: Callable[[], Awaitable[int]]) -> tuple[int, float, float]:
    """Return what work returns, the seconds it took, and our CPU's among them."""
    begin, cpu = perf_counter(), process_time()
    result = await work()
    return result, perf_counter() - begin, process_time() - cpu


async def measure(blocks: int, transactions: int) -> list[Result]:
    """Return the three rates in blocks per second."""
    with anvil_node(137, "--accounts", "4", "--balance", "1000000000") as node:
        coin = deploy(node, "Coin")
        chain: Chain = with_token(evm_chain(137, tag="finalized"), coin)
        ours = node.accounts[3]
        watch = Watch(active=frozenset({ours}))
        first = node.height() + 1
        await fill(node, coin, blocks, transactions)
        last = node.height()
        source = evm_source(chain, node.url)
        found, mine, my_cpu = await timed(lambda: caught_up(source, first, watch))
        await source.aclose()
        expected, plain, plain_cpu = await timed(lambda: plain_loop(node, coin, first, last, ours))
        size, raw, _ = await timed(lambda: raw_bytes(node, first, last))
    assert found == expected, f"found {found} payments, the plain loop {expected}"
    what = f"catch up over {blocks} blocks of {transactions}"
    rate = blocks / mine
    return [
        against(what, rate, "blocks/s", peer="plain web3.py loop", peer_value=blocks / plain, aim=">= 5"),
        against(what, rate, "blocks/s", peer="the node's own speed", peer_value=blocks / raw),
        against(
            f"{what}: CPU per block",
            my_cpu / blocks * 1e3,
            "ms",
            peer="plain web3.py loop",
            peer_value=plain_cpu / blocks * 1e3,
            aim="<= 0.2",
        ),
        Result(name=f"{what}: block JSON", value=size / 2**20, unit="MiB"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=300)
    parser.add_argument("--transactions", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report(asyncio.run(measure(options.blocks, options.transactions)), as_json=options.json)
