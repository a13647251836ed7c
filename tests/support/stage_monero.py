"""Monero as a stage: the regtest and the wallet that its driver shares. Each story has subaddresses of its own."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from nacl import bindings

from chains.monero import address as monero
from tests.support.driver_monero import MoneroDriver
from tests.support.monero_proxy import MoneroProxy
from tests.support.monero_world import World, monero_world, regtest, settings_of
from tests.support.monerod import WalletRpc, wallet_rpc
from tests.support.stage import KEYS, Bill, with_depths
from tests.support.stage_driven import DrivenStage
from tests.support.stage_proxy import Line, line_to

Orders = Literal["subaddress", "integrated"]


class MoneroStage(DrivenStage):
    """A daemon, a payer's wallet, and our view-only wallet."""

    def __init__(self, world: World, line: Line, wallet: WalletRpc, orders: Orders = "subaddress") -> None:
        super().__init__(MoneroDriver(world, MoneroProxy(world.node.url)), line)
        self.wallet = wallet
        self._world = world
        self.chain = with_depths(replace(regtest(), block_time=timedelta(minutes=2)))  # as on the main network
        self.settings = settings_of(world, line.url, wallet=wallet.url, orders=orders)
        self.wallets = [_address(f"buyer {number}") for number in range(4)]
        self.several_in = self.chain.native
        self.first_key, world.shown = world.shown, world.shown + KEYS

    def pay(self, *bills: Bill) -> str:
        return self._world.pay(*((bill.to, bill.amount) for bill in bills))

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        self._world.node.stop()
        yield
        self._world.node.start()

    def holds(self, addresses: Sequence[str]) -> Mapping[str, int]:
        """Return what the view-only wallet has received: nobody else can know."""
        self.wallet.rpc("refresh")
        had = self.wallet.rpc("get_transfers", **{"in": True, "account_index": 0}).get("in", ())
        return {self.chain.native.id: sum(one["amount"] for one in had if one["address"] in addresses)}


def _address(seed: str) -> str:
    """Return the primary address of a wallet made from a text."""
    digests = (hashlib.sha512(f"{seed}: {kind}".encode()).digest() for kind in ("spend", "view"))
    secrets = (bindings.crypto_core_ed25519_scalar_reduce(digest) for digest in digests)
    points = b"".join(bindings.crypto_scalarmult_ed25519_base_noclamp(secret) for secret in secrets)
    return monero.display(bytes([monero.STANDARD]) + points)


@asynccontextmanager
async def monero_stage() -> AsyncIterator[MoneroStage]:
    """Set the stage on the process's regtest."""
    world = monero_world()
    world.node.flush()
    async with line_to(world.node.url) as line:
        yield MoneroStage(world, line, world.wallet)


@asynccontextmanager
async def integrated_stage(orders: Orders = "integrated") -> AsyncIterator[MoneroStage]:
    """Set the stage for orders with integrated addresses; its wallet is its own, and can be lost.

    It has seen none of the outputs that are there, so that none of them is ours in anybody's ring.
    """
    world = monero_world()
    world.node.flush()
    with wallet_rpc(world.node.url) as wallet:
        async with line_to(world.node.url) as line:
            yield MoneroStage(world, line, wallet, orders)
