"""The story on Monero: monerod --regtest, and monero-wallet-rpc twice, for the wallet that pays and for ours."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from chains.monero import uri
from usher.demo.ground import Deployment, Wallet
from usher.demo.rpc import Rpc
from usher.demo.stage import ROOT, StageError, free_port, process, program
from usher.demo.teller import NotToldError

BIN = ROOT / ".nodes" / "bin"
FIRST_COINS = 80
"""Blocks: a coinbase is locked for 60, and a payment hides among 16 outputs."""
PATH = "/json_rpc"


@dataclass(frozen=True, kw_only=True, slots=True)
class MoneroWallet:
    """An account of the wallet that pays."""

    name: str
    address: str
    index: int
    rpc: Rpc

    async def sign(self, text: str) -> str:
        """Sign a text with the spend key, as the wallet's `sign` does."""
        signed = await self.rpc.call("sign", data=text, account_index=self.index, address_index=0)
        return str(signed["signature"])


class MoneroGround:
    """`usher.demo.ground.Ground` on regtest."""

    chain = "monero:regtest"
    title = "monerod, a real Monero node, runs on a chain of its own"
    link = "monero:"
    method = "xmr"
    ticker = "XMR"
    price = "0.5"
    carries_memos = False  # nothing travels along: every order has a subaddress
    stranger = "no_ticket"

    def __init__(self, daemon: Rpc, payer: Rpc, watching: str, folder: Path) -> None:
        self._daemon = daemon
        self._payer = payer
        self._watching = watching  # URL of the wallet process that Usher opens its own wallet in
        self._folder = folder
        self._miner = ""

    async def deployment(self) -> Deployment:
        """Make the platform's wallet, keep only its view key, and mine the first coins for whoever pays."""
        await self._payer.call("create_wallet", filename="platform", language="English")
        receive = (await self._payer.call("get_address"))["address"]
        view_key = (await self._payer.call("query_key", key_type="view_key"))["key"]
        await self._payer.call("create_wallet", filename="payer", language="English")
        self._miner = (await self._payer.call("get_address"))["address"]
        await self._mine(FIRST_COINS)
        file = self._folder / "view.key"
        file.touch(mode=0o600)
        file.write_text(view_key)
        options = (
            "--endpoint", f"{self.chain}={self._daemon.url}", "--wallet", f"{self.chain}={self._watching}",
            "--view-key-file", f"{self.chain}={file}",
        )  # fmt: skip
        return Deployment(receive=receive, options=options)

    async def wallet(self, name: str) -> Wallet:
        """Make an account. What it pays comes from the first one, which nobody can tell."""
        made = await self._payer.call("create_account", label=name)
        return MoneroWallet(name=name, address=made["address"], index=made["account_index"], rpc=self._payer)

    async def pay(self, wallet: Wallet, link: str) -> str:  # noqa: ARG002  one account has all the coins
        """Pay a monero: link."""
        asked = uri.parse(link)
        if isinstance(asked, uri.Malformed) or asked.amount is None:
            raise NotToldError(f"the link cannot be read: {asked}")
        await self._payer.call("refresh")
        sent = await self._payer.call(
            "transfer", destinations=[{"address": asked.address, "amount": asked.amount}], account_index=0
        )
        return str(sent["tx_hash"])

    async def pay_with_memo(self, wallet: Wallet, memo: str) -> str:
        """Refuse: Monero carries no texts."""
        raise NotToldError(f"{wallet.name} cannot send {memo!r} with Monero")

    async def advance(self) -> None:
        """Mine a block."""
        await self._mine(1)

    async def pay_in_vain(self, wallet: Wallet, link: str) -> str:
        """Pay, and mine it."""
        txid = await self.pay(wallet, link)
        await self.advance()
        return txid

    async def lose(self) -> None:
        """Take the newest block away, and the transaction out of the pool it falls back into."""
        await self._daemon.post("/pop_blocks", {"nblocks": 1})
        await self._rpc("flush_txpool")

    async def _mine(self, blocks: int) -> None:
        await self._rpc("generateblocks", amount_of_blocks=blocks, wallet_address=self._miner)

    async def _rpc(self, method: str, **named: object) -> None:
        await Rpc(url=f"{self._daemon.url}{PATH}", http=self._daemon.http).call(method, **named)


@asynccontextmanager
async def opened(folder: Path, http: aiohttp.ClientSession) -> AsyncIterator[MoneroGround]:
    """Run the node and both wallet processes in a folder."""
    port, peers = free_port(), free_port()
    for name in ("paying", "watching"):
        (folder / name).mkdir()
    daemon = [
        str(_program("monerod")), "--regtest", "--offline", "--fixed-difficulty", "1",
        "--data-dir", str(folder / "monero"), "--rpc-bind-ip", "127.0.0.1", "--rpc-bind-port", str(port),
        "--p2p-bind-ip", "127.0.0.1", "--p2p-bind-port", str(peers), "--no-zmq", "--non-interactive",
        "--disable-rpc-ban",
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process(daemon, log=folder / "monerod.log"))
        node = Rpc(url=f"http://127.0.0.1:{port}", http=http)
        await Rpc(url=f"{node.url}{PATH}", http=http).ready("get_info")
        payer = await _wallet(stack, folder / "paying", port, http)
        watching = await _wallet(stack, folder / "watching", port, http)
        yield MoneroGround(node, payer, watching.url.removesuffix(PATH), folder)


async def _wallet(stack: AsyncExitStack, folder: Path, daemon: int, http: aiohttp.ClientSession) -> Rpc:
    port = free_port()
    command = [
        str(_program("monero-wallet-rpc")), "--daemon-address", f"127.0.0.1:{daemon}", "--trusted-daemon",
        "--rpc-bind-port", str(port), "--disable-rpc-login", "--wallet-dir", str(folder),
        "--shared-ringdb-dir", str(folder / "rings"), "--log-file", str(folder / "log"),
        "--allow-mismatched-daemon-version",
    ]  # fmt: skip
    await stack.enter_async_context(process(command, log=folder / "output.log"))
    rpc = Rpc(url=f"http://127.0.0.1:{port}{PATH}", http=http)
    await rpc.ready("get_version")
    return rpc


def found() -> Path | None:
    """Return where monerod is."""
    return program("monerod", BIN / "monerod")


def _program(name: str) -> Path:
    path = program(name, BIN / name)
    if path is None:
        raise StageError(f"{name} is not installed: run `make nodes`, or put {name} on the PATH")
    return path
