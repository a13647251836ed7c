"""EVM blocks: real ones where the shared vectors are there, and one of 200 transactions made of a real node's own."""

from collections.abc import Iterator

import orjson

from bench.blocks.limits import UNIT, foreign, parsed_alone
from bench.contest import Contest, Peer
from chains.evm.ours import Ours
from chains.evm.parse import CheckedBlock, Distrusted, check_block, native_candidates, payments_in
from chains.port import Watch
from config.loader import load_registry
from tests.support.anvil import anvil_node
from tests.support.vectors import FOLDER

AIM = ">= 0.66"
WHOLE = 20_000
"""Bytes from which a block is judged: a header costs the same to hash in a block with nothing in it."""
VECTORS = ("13998626", "4370006")


def contests() -> Iterator[Contest]:
    """Yield a contest per block."""
    watch = Watch(active=foreign("0x{:040x}"))
    ours = Ours.of(watch, load_registry().chains["eip155:1"])
    for name, raw, count in _blocks():
        limit = Peer(name="orjson.loads", work=parsed_alone(raw), aim=AIM if len(raw) > WHOLE else "")
        yield Contest(
            name=f"parse Ethereum, {name}, {count} transactions",
            ours=lambda raw=raw: _payments(raw, ours),
            peers=(limit,),
            unit=UNIT,
            per_call=count,
        )


def _payments(raw: bytes, ours: Ours) -> int:
    """Do to a block what the reader does to each: check it, look for value and for logs that its bloom admits."""
    block = check_block(orjson.loads(raw))
    assert isinstance(block, CheckedBlock)
    candidates = native_candidates(block, ours)
    found = payments_in(block, (), ours)
    assert not isinstance(found, Distrusted)
    return len(candidates) + len(ours.admitted(block.bloom, ours.active)) + len(found)


def _blocks() -> Iterator[tuple[str, bytes, int]]:
    """Yield blocks as a node sends them, by name, with how many transactions they hold."""
    for number in VECTORS:
        path = FOLDER / "blocks" / "ethereum" / f"ethereum_mainnet_{number}_getBlockByNumber_full.json"
        if path.exists():
            block = orjson.loads(path.read_bytes())
            yield f"mainnet {number}", orjson.dumps(block), len(block["transactions"])
    with anvil_node(137) as node:
        for _ in range(200):
            node.send(to=node.accounts[1], value=1, data="0x" + "ab" * 68, gas="0x7530")
        node.mine()
        block = node.rpc("eth_getBlockByNumber", "latest", True)
        yield "anvil", orjson.dumps(block), len(block["transactions"])
