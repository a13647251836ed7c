"""The story on Hive: an emulated node that checks every signature. It needs nothing but Python."""

import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from coincurve import PrivateKey

from chains import base58
from chains.hive import uri
from usher.demo.ground import Deployment, Wallet
from usher.demo.rpc import Rpc
from usher.demo.stage import ROOT, free_port, process
from usher.demo.teller import NotToldError

COMPRESSED = 31
"""27, and 4 for a compressed key: the header of a compact signature."""
PLATFORM = "cave.tickets"


@dataclass(frozen=True, kw_only=True, slots=True)
class HiveWallet:
    """An account and its posting key."""

    name: str
    address: str
    posting: PrivateKey

    async def sign(self, text: str) -> str:
        """Sign a text as Keychain's signBuffer does with the posting key."""
        signed = self.posting.sign_recoverable(hashlib.sha256(text.encode()).digest(), hasher=None)
        return (bytes([signed[64] + COMPRESSED]) + signed[:64]).hex()


class HiveGround:
    """`usher.demo.ground.Ground` on the emulation."""

    chain = "hive:42000000000000000000000000000000"
    title = "An emulated Hive node runs, which checks every signature"
    link = "hive://sign"
    method = "hive"
    ticker = "HIVE"
    price = "5.000"
    carries_memos = True
    stranger = "signature_invalid"  # for no ticket, no node is asked which keys a name has

    def __init__(self, node: Rpc) -> None:
        self._node = node

    async def deployment(self) -> Deployment:
        """Give the node. Orders are told apart by the code in the memo, for which nothing has to be configured."""
        await self._node.call("emulator_account", name=PLATFORM)
        return Deployment(receive=PLATFORM, options=("--endpoint", f"{self.chain}={self._node.url}"))

    async def wallet(self, name: str) -> Wallet:
        """Make an account with some money."""
        account = f"{name.lower()}-demo"
        made = await self._node.call("emulator_account", name=account, hive="100.000 HIVE")
        raw = base58.decode(made["private"]["posting"]) or b""
        return HiveWallet(name=name, address=account, posting=PrivateKey(raw[1:33]))

    async def pay(self, wallet: Wallet, link: str) -> str:
        """Pay a hive://sign link, which holds the whole transfer."""
        asked = uri.parse(link)
        if isinstance(asked, uri.Malformed):
            raise NotToldError(f"the link cannot be read: {asked.reason}")
        [transfer] = asked.operations
        return await self._transfer(wallet, transfer.value["to"], transfer.value["amount"], transfer.value["memo"])

    async def pay_with_memo(self, wallet: Wallet, memo: str) -> str:
        """Send with the memo that every transfer has."""
        return await self._transfer(wallet, PLATFORM, f"{self.price} {self.ticker}", memo)

    async def advance(self) -> None:
        """Produce a block."""
        await self._node.call("emulator_mine", blocks=1)

    async def pay_in_vain(self, wallet: Wallet, link: str) -> str:
        """Pay in a block that is not irreversible."""
        txid = await self.pay(wallet, link)
        await self.advance()
        return txid

    async def lose(self) -> None:
        """Let other witnesses produce another block in its place."""
        await self._node.call("emulator_reorg", depth=1)

    async def _transfer(self, wallet: Wallet, to: str, amount: str, memo: str) -> str:
        given = {"from": wallet.address, "to": to, "amount": amount, "memo": memo}
        sent = await self._node.call("emulator_transfer", **given)
        return str(sent["id"])


@asynccontextmanager
async def opened(folder: Path, http: aiohttp.ClientSession) -> AsyncIterator[HiveGround]:
    """Run the emulation."""
    port = free_port()
    command = [sys.executable, "-m", "tests.nodes.hive", "--port", str(port), "--today"]
    node = Rpc(url=f"http://127.0.0.1:{port}", http=http)
    ready = partial(node.ready, "database_api.get_version")
    async with process(command, log=folder / "hive.log", at=ROOT, ready=ready):
        yield HiveGround(node)
