"""A real litecoind as the contract suite drives it: Bitcoin's driver on another entry of the registry."""

import atexit
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache

from config.loader import load_registry
from config.registry import Chain, Finality
from tests.support.bitcoind_proxy import lying_bitcoind
from tests.support.driver_bitcoin import BitcoinDriver
from tests.support.litecoind import Litecoind, litecoind_node
from tests.support.natures import FINALITY

REGTEST = "bip122:530827f38f93b43ed12af0b3ad25a288"


def litecoin_chain(*, blocks: int = FINALITY) -> Chain:
    """Return regtest with a finality of its own."""
    chain = load_registry().chain(REGTEST)
    assert chain is not None
    return replace(chain, finality=Finality(tag=None, blocks=blocks))


@cache
def shared_litecoind() -> Litecoind:
    """Return a node that lives as long as the process. Its blocks are extended from the first that a test sees."""
    stack = ExitStack()
    atexit.register(stack.close)
    node = stack.enter_context(litecoind_node())
    node.extend()
    return node


@asynccontextmanager
async def start() -> AsyncIterator[BitcoinDriver]:
    """Run the driver."""
    node = shared_litecoind()
    async with lying_bitcoind(node.url) as proxy:
        yield BitcoinDriver(node, litecoin_chain(), proxy)
