"""The Hive emulation as tests use it: a chain, nodes before it, and a source over them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import ClientTimeout

from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL
from chains.hive.memo import MemoKey
from chains.hive.reader import identify
from chains.hive.source import HiveSource
from chains.rpc import Endpoint, Observer, ignore
from chains.wire import SECONDS, HttpWire, JsonRpcTransport
from config.loader import load_registry
from config.registry import Chain
from tests.nodes.hive.chain import Emulation
from tests.nodes.hive.server import Node, serving

CHAIN = "hive:42000000000000000000000000000000"

MEMO_TEXT = "event:7:wallet:alice äöü爱"
MEMO_SENDER = "5J9bWm2ThenDm3tjvmUgHtWCVMUdjRR1pxnRtnJjvKA4b2ut5WK"
MEMO_RECIPIENT = "5JoQtsKQuH8hC9MyvfJAqo6qmKLm8ePYNucs7tPu2YxG12trzBt"
"""Private memo keys of the two accounts that the encrypted memos are between."""
MEMO_BY_JS = (
    "#9t933ZdeB5FN6MXXDZXVMaHMfJwoqeBQFLqBn9aLLVqVJ7bsLVz2z3Xemru5q9aXn8H6uVqmF3i4hCMuBHJRLMWdDT8sYSnnriuAuxuUgSFqLikQ"
    "ytRWSs68JJgkZkMtUwBHPBbPSNAfD6GmL2fYBqo"
)
"""Written by @hiveio/dhive 1.3.6 and @hiveio/hive-js 2.0.9, which agree to the byte."""
MEMO_BY_BEEM = (
    "#9t933ZdeB5FN6MXXDZXVMaHMfJwoqeBQFLqBn9aLLVqVJ7bsLVz2z3Xemru5q9aXn8H6uVqmF3i4hCMuBHJRLMWdDT8sYSnnriuAuxuUgSFnTm5v"
    "1ygfDZ6MqkEV8svYQbN95G1nFHer16cp7m7U1Re"
)
"""The same by beem 0.24.26, which leaves the text's length out."""


def hive_chain(chain_id: str = CHAIN) -> Chain:
    """Return a shipped Hive chain."""
    chain = load_registry().chain(chain_id)
    assert chain is not None
    return chain


@asynccontextmanager
async def hive_node(chain: Emulation, **faults: Any) -> AsyncIterator[Node]:
    """Serve a node before the chain; it tells the truth until told otherwise."""
    async with serving(Node(chain, **faults)) as node:
        yield node


def hive_source(
    chain: Chain,
    *urls: str,
    observer: Observer = ignore,
    seconds: ClientTimeout = SECONDS,
    memo_key: MemoKey | None = None,
    agree_above: Mapping[str, int] | None = None,
    blocks_per_poll: int = BLOCKS_PER_POLL,
) -> HiveSource:
    """Return a source over these endpoints."""
    endpoints = [
        Endpoint(
            chain=chain.id,
            index=index,
            transport=JsonRpcTransport(HttpWire(url, seconds=seconds)),
            identify=identify,
            observer=observer,
        )
        for index, url in enumerate(urls)
    ]
    return HiveSource(
        chain, Endpoints(endpoints), memo_key=memo_key, agree_above=agree_above, blocks_per_poll=blocks_per_poll
    )


def unchecked(chain: Chain) -> Chain:
    """Return the chain as an operator has it who waits for an update: headers are not recomputed."""
    return replace(chain, checked_headers=False)
