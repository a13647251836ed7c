"""From the raw bytes of a block to the payments in it, against `orjson.loads` of the same bytes.

    python -m bench.parse_blocks [--json]

Blocks: the real ones of the shared vectors where they are there, and one of 200 transactions made of a real node's own.
The watch holds 1,000 addresses, none of them paid: what is measured is what every foreign block costs.
"""

import timeit
from collections.abc import Callable, Iterator
from functools import partial
from time import process_time

import orjson

from bench.report import Result, against, report
from chains.evm.ours import Ours
from chains.evm.parse import CheckedBlock, Distrusted, check_block, native_candidates, payments_in
from chains.port import Watch
from config.loader import load_registry
from tests.support.anvil import anvil_node
from tests.support.vectors import FOLDER

AIM = "<= 1.5"
WHOLE = 20_000
"""Bytes from which a block is judged: a header costs the same to hash in a block with nothing in it."""
VECTORS = ("13998626", "4370006")


def blocks() -> Iterator[tuple[str, bytes]]:
    """Return blocks as a node sends them, by name."""
    for number in VECTORS:
        path = FOLDER / "blocks" / "ethereum" / f"ethereum_mainnet_{number}_getBlockByNumber_full.json"
        if path.exists():
            block = orjson.loads(path.read_bytes())
            yield f"mainnet {number}, {len(block['transactions'])} transactions", orjson.dumps(block)
    with anvil_node(137) as node:
        for _ in range(200):
            node.send(to=node.accounts[1], value=1, data="0x" + "ab" * 68, gas="0x7530")
        node.mine()
        block = node.rpc("eth_getBlockByNumber", "latest", True)
        yield f"anvil, {len(block['transactions'])} transactions", orjson.dumps(block)


def payments(raw: bytes, ours: Ours) -> int:
    """Do to a block what the reader does to each: check it, look for value and for logs that its bloom admits."""
    block = check_block(orjson.loads(raw))
    assert isinstance(block, CheckedBlock)
    candidates = native_candidates(block, ours)
    found = payments_in(block, (), ours)
    assert not isinstance(found, Distrusted)
    return len(candidates) + len(ours.admitted(block.bloom, ours.active)) + len(found)


def compared(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[float, float]:
    """Return the best CPU seconds of one call each, measured in turns so that neither has the quieter machine."""
    timers = [timeit.Timer(work, timer=process_time) for work in (ours, peer)]
    calls, _ = timers[0].autorange()
    turns = [[timer.timeit(calls) for timer in timers] for _ in range(9)]
    mine, theirs = (min(column) / calls for column in zip(*turns, strict=True))
    return mine, theirs


def measure() -> list[Result]:
    """Return one result per block."""
    chain = load_registry().chains["eip155:1"]
    watch = Watch(active=frozenset(f"0x{number:040x}" for number in range(10**30, 10**30 + 1000)))
    ours = Ours.of(watch, chain)
    results = []
    for name, raw in blocks():
        mine, peer = compared(partial(payments, raw, ours), partial(orjson.loads, raw))
        aim = AIM if len(raw) > WHOLE else ""
        results.append(against(f"parse {name}", mine * 1e6, "µs", peer="orjson.loads", peer_value=peer * 1e6, aim=aim))
    return results


if __name__ == "__main__":
    report(measure())
