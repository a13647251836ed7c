"""The watcher's world on a real EVM node instead of a chain made by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from store.engine import Store
from tests.support.anvil import Anvil, anvil_node
from tests.support.chains_drivers import EvmDriver, evm_chain
from tests.support.lying_node import lying_node
from tests.support.monitor_world import CHAIN, START, World
from tickets import addresses, till
from tickets.till import PaymentRecord


class AnvilWorld(World):
    """A world whose blocks a node mines."""

    node: Anvil

    async def payments(self) -> list[PaymentRecord]:
        """Return every payment, the first one first."""
        found = await self.store.read(till.search)
        return sorted(found, key=till.chain_order)

    async def ticket_states(self) -> list[str]:
        """Return the states of all tickets."""
        return [row[-1] for row in (await self.book()).tickets]


@asynccontextmanager
async def anvil_world(store: Store, order_addresses: list[str]) -> AsyncIterator[AnvilWorld]:
    """Run a node and a watcher that has caught up with it; orders get these addresses of their own."""
    with anvil_node(31337, "--timestamp", str(int(START.timestamp()))) as node:
        async with lying_node(node.url) as proxy:
            driver = EvmDriver(node, evm_chain(31337), proxy)
            source = driver.source()
            made = AnvilWorld(store=store, chain=driver, source=source, record=driver.chain)
            made.node = node
            made.watcher.receive = frozenset({driver.ours})
            await store.transact(lambda conn: addresses.extend(conn, CHAIN, order_addresses, start=0))
            await made.catch_up()
            yield made
            await source.aclose()
