"""Litecoin as a stage: Bitcoin's on another entry of the registry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.driver_litecoin import litecoin_chain, shared_litecoind
from tests.support.stage_bitcoin import BitcoinStage
from tests.support.stage_proxy import line_to

KINDS = ("legacy", "p2sh-segwit", "bech32", "bech32")


@asynccontextmanager
async def litecoin_stage() -> AsyncIterator[BitcoinStage]:
    """Set the stage on the process's node."""
    node = shared_litecoind()
    async with line_to(node.url) as line:
        yield BitcoinStage(node, line, chain=litecoin_chain(), kinds=KINDS)
