"""The story on Bitcoin: bitcoind -regtest, a real node on a chain of its own, with a wallet for each person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from chains.bitcoin import uri
from config.amounts import to_text
from usher.demo import keys
from usher.demo.ground import Deployment, Wallet
from usher.demo.rpc import Rpc
from usher.demo.stage import ROOT, StageError, free_port, process, program
from usher.demo.teller import NotToldError

MATURE = 101
"""Blocks after which the first one's coins can be spent."""
DECIMALS = 8
USER, PASSWORD = "usher", "demo"


@dataclass(frozen=True, kw_only=True, slots=True)
class BitcoinWallet:
    """A wallet within the node."""

    name: str
    address: str
    node: Rpc  # its own door

    async def sign(self, text: str) -> str:
        """Sign a text (BIP-137)."""
        signature: str = await self.node.call("signmessage", self.address, text)
        return signature


class BitcoinGround:
    """`usher.demo.ground.Ground` on regtest."""

    chain = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
    title = "bitcoind, a real Bitcoin node, runs on a chain of its own"
    link = "BIP-21"
    method = "btc"
    ticker = "BTC"
    price = "0.001"
    carries_memos = True
    stranger = "no_ticket"

    def __init__(self, node: Rpc, endpoint: str) -> None:
        self._node = node
        self._endpoint = endpoint
        self._receive = ""
        self._miner = ""
        self._lost: tuple[Wallet, str] | None = None

    async def deployment(self) -> Deployment:
        """Mine the first coins; give the node and a watch-only key whose addresses are P2WPKH."""
        platform = await self._wallet("platform", "bech32")
        self._receive = platform.address
        self._miner = (await self._wallet("miner", "bech32")).address
        await self._node.call("generatetoaddress", MATURE, self._miner)
        options = ("--endpoint", f"{self.chain}={self._endpoint}", "--xpub", keys.fresh_xpub(keys.VPUB))
        return Deployment(receive=self._receive, options=options)

    async def wallet(self, name: str) -> Wallet:
        """Make a wallet and pay it some coins. Its address is of the oldest kind, which every node can sign for."""
        made = await self._wallet(name, "legacy")
        await self._of("miner").call("sendtoaddress", made.address, "1")
        await self.advance()
        return made

    async def pay(self, wallet: Wallet, link: str) -> str:
        """Pay a BIP-21 link."""
        address, amount = _read(link)
        txid: str = await self._of(wallet.name).call("sendtoaddress", address, amount)
        return txid

    async def pay_with_memo(self, wallet: Wallet, memo: str) -> str:
        """Send with the memo in an OP_RETURN output."""
        outputs = [{self._receive: self.price}, {"data": memo.encode().hex()}]
        sent = await self._of(wallet.name).call("send", outputs)
        return str(sent["txid"])

    async def advance(self) -> None:
        """Mine a block."""
        await self._node.call("generatetoaddress", 1, self._miner)

    async def pay_in_vain(self, wallet: Wallet, link: str) -> str:
        """Pay with a transaction that waits in the pool, and may be replaced there (BIP-125)."""
        txid = await self.pay(wallet, link)
        self._lost = (wallet, txid)
        return txid

    async def lose(self) -> None:
        """Replace it by one that pays the payer, and mine that."""
        if self._lost is None:
            raise NotToldError("nothing was paid in vain")
        wallet, txid = self._lost
        back = await self._of(wallet.name).call("getnewaddress")
        await self._of(wallet.name).call("bumpfee", txid, {"outputs": [{back: self.price}]})
        await self.advance()

    async def _wallet(self, name: str, kind: str) -> BitcoinWallet:
        await self._node.call("createwallet", name)
        door = self._of(name)
        return BitcoinWallet(name=name, address=await door.call("getnewaddress", "", kind), node=door)

    def _of(self, name: str) -> Rpc:
        return Rpc(url=f"{self._endpoint}/wallet/{name}", http=self._node.http)


@asynccontextmanager
async def opened(folder: Path, http: aiohttp.ClientSession) -> AsyncIterator[BitcoinGround]:
    """Run the node in a folder."""
    port, data = free_port(), folder / "bitcoin"
    data.mkdir()
    command = [
        str(found() or _missing()), "-regtest", f"-datadir={data}", "-server=1", "-listen=0", "-dnsseed=0",
        "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", f"-rpcport={port}", f"-rpcuser={USER}",
        f"-rpcpassword={PASSWORD}", "-fallbackfee=0.0001",
    ]  # fmt: skip
    endpoint = f"http://{USER}:{PASSWORD}@127.0.0.1:{port}"
    node = Rpc(url=endpoint, http=http)
    async with process(command, log=folder / "bitcoind.log", ready=lambda: node.ready("getblockchaininfo")):
        yield BitcoinGround(node, endpoint)


def found() -> Path | None:
    """Return where bitcoind is."""
    return program("bitcoind", ROOT / ".nodes" / "bin" / "bitcoind")


def _missing() -> Path:
    raise StageError("bitcoind is not installed: run `make nodes`, or put bitcoind on the PATH")


def _read(link: str) -> tuple[str, str]:
    """Read a BIP-21 link as a wallet does: whom to pay, and how many coins."""
    request = uri.parse(link)
    if isinstance(request, uri.Malformed) or request.address is None or request.amount is None:
        raise NotToldError(f"the link cannot be read: {request}")
    return request.address, to_text(request.amount, DECIMALS)
