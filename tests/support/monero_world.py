"""One regtest for all Monero tests of a process: a daemon, a payer with money, and our own keys behind another wallet.

Mining costs some 75 ms a block, so that it is funded once; each test takes subaddresses that no other test has had.
"""

import atexit
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import aiohttp

from chains.following import BLOCKS_PER_POLL
from chains.monero.derive import Subaddresses
from chains.monero.source import MoneroSource, open_monero
from chains.port import Sweep, Watch
from chains.rpc import Observer, ignore
from chains.wire import SECONDS
from config.loader import load_registry
from config.registry import Chain, Finality
from config.sections import ChainSettings
from tests.support.monerod import Monerod, WalletRpc, monerod, wallet_rpc
from tests.support.natures import FINALITY

FUNDING = 80
"""Blocks that are mined first: each can be spent sixty blocks later, and a ring needs sixteen that can."""
SPLITS, PARTS = 3, 15
"""The payer's money is cut into so many pieces, so that one payment does not wait for another one's change."""
PIECE = 10**12
PASSWORD = "of a view-only wallet"


@dataclass(slots=True)
class World:
    """The chain of a test process."""

    node: Monerod
    payer: WalletRpc  # spends; what it mines is its own
    wallet: WalletRpc  # where our view-only wallet is kept
    payer_address: str
    primary: str
    view_key: str
    spend_key: str  # of ours: for tests that spend what we received
    keys: Subaddresses
    shown: int = 0  # index of the last subaddress that a test has had
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)  # what the payer answered, by txid

    def fresh(self) -> str:
        """Return a subaddress of ours that nobody has paid."""
        self.shown += 1
        return self.keys.at(self.shown)

    def mine(self, blocks: int = 1, to: str | None = None) -> None:
        """Mine blocks, what waits goes into the first."""
        self.node.mine(blocks, to or self.payer_address)

    def pay(self, *amounts: tuple[str, int], relay: bool = True) -> str:
        """Send one transaction that pays these, and return its id; it waits to be mined."""
        self.payer.rpc("refresh")
        destinations = [{"address": address, "amount": amount} for address, amount in amounts]
        sent = self.payer.rpc("transfer", destinations=destinations, get_tx_hex=True, do_not_relay=not relay)
        self.sent[sent["tx_hash"]] = sent
        txid: str = sent["tx_hash"]
        return txid

    def send_again(self, txid: str) -> None:
        """Put a transaction into the pool anew."""
        answer = self.node.post("/send_raw_transaction", tx_as_hex=self.sent[txid]["tx_blob"], do_not_relay=False)
        assert answer["status"] == "OK", answer

    def double_spend(self, txid: str, to: str | None = None) -> str:
        """Let another transaction wait that spends what this one spent, back to the payer or to somebody else."""
        [image, *_] = self.sent[txid]["spent_key_images"]["key_images"]
        self.payer.rpc("refresh")
        self.payer.rpc("rescan_spent")
        sent = self.payer.rpc("sweep_single", key_image=image, address=to or self.payer_address, get_tx_hex=True)
        self.sent[sent["tx_hash"]] = sent
        other: str = sent["tx_hash"]
        return other

    @contextlib.contextmanager
    def spending(self) -> Iterator[WalletRpc]:
        """Open the wallet with our own spend key in the payer's place."""
        self.payer.rpc("close_wallet")
        self.payer.open("ours")
        self.payer.rpc("refresh")
        try:
            yield self.payer
        finally:
            self.payer.rpc("close_wallet")
            self.payer.open("payer")

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by as many others, without their transactions."""
        self.node.pop(depth)
        self.mine(depth)


def regtest(blocks: int = FINALITY) -> Chain:
    """Return the shipped regtest with a shallow finality."""
    chain = load_registry().chain("monero:regtest")
    assert chain is not None
    return replace(chain, finality=Finality(tag=None, blocks=blocks))


def settings_of(
    world: World, *daemons: str, wallet: str | None = None, orders: str = "subaddress", **more: Any
) -> ChainSettings:
    """Return the settings of a deployment that reads these daemons, or the real one."""
    section: Mapping[str, Any] = {
        "endpoint": wallet or world.wallet.url,
        "name": "usher",
        "password": PASSWORD,
        "view_key": world.view_key,
        "orders": orders,
    }
    endpoints = daemons or (world.node.url,)
    return ChainSettings(endpoints=endpoints, receive=world.primary, **{"wallet": section, **more})


def monero_source(
    world: World,
    *daemons: str,
    chain: Chain | None = None,
    wallet: str | None = None,
    observer: Observer = ignore,
    seconds: aiohttp.ClientTimeout = SECONDS,
    blocks_per_poll: int = BLOCKS_PER_POLL,
    **more: Any,
) -> MoneroSource:
    """Return a source over these daemons and our wallet."""
    return open_monero(
        chain or regtest(),
        settings_of(world, *daemons, wallet=wallet, **more),
        observer=observer,
        seconds=seconds,
        blocks_per_poll=blocks_per_poll,
    )


@contextlib.asynccontextmanager
async def reading(world: World, *daemons: str, **more: Any) -> AsyncIterator[MoneroSource]:
    """Open a source for a while."""
    source = monero_source(world, *daemons, **more)
    yield source
    await source.aclose()


def watching(*addresses: str) -> Watch:
    """Return a watch over these addresses."""
    return Watch(active=frozenset(addresses))


def told(sweep: Sweep) -> list[tuple[int, int]]:
    """Return what is pending, as amounts and confirmations."""
    return [(entry.payment.amount, entry.confirmations) for entry in sweep.pending]


@cache
def monero_world() -> World:
    """Return this process's regtest, started and funded at the first call and stopped when the process ends."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    node = stack.enter_context(monerod())
    payer = stack.enter_context(wallet_rpc(node.url))
    wallet = stack.enter_context(wallet_rpc(node.url))
    primary = payer.create("ours")
    view_key, spend_key = payer.key("view_key"), payer.key("spend_key")
    payer.rpc("close_wallet")
    world = World(
        node=node,
        payer=payer,
        wallet=wallet,
        payer_address=payer.create("payer"),
        primary=primary,
        view_key=view_key,
        spend_key=spend_key,
        keys=Subaddresses(primary, view_key),
    )
    _fund(world)
    return world


def _fund(world: World) -> None:
    """Mine coins that can be spent, and cut them into pieces; ten blocks later each of them can be spent as well."""
    world.mine(FUNDING)
    for _ in range(SPLITS):
        world.pay(*((world.payer_address, PIECE) for _ in range(PARTS)))
    world.mine(11)
