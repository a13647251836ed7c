"""The story on an EVM chain: anvil, a real node, mines when it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from chains.evm import uri
from config.amounts import to_units
from usher.demo import keys
from usher.demo.ground import Deployment, Wallet
from usher.demo.rpc import Rpc
from usher.demo.stage import ROOT, StageError, free_port, process, program
from usher.demo.teller import NotToldError

GAS = 200_000
RICHES = 10**20
WEI = 18
NPM_BUILDS = ROOT / ".nodes" / "node_modules" / "@foundry-rs"
"""Where npm puts anvil, in a folder for each platform."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvmWallet:
    """A key that signs transactions and texts."""

    name: str
    account: LocalAccount

    @property
    def address(self) -> str:
        """The wallet's EIP-55 address."""
        return str(self.account.address)

    async def sign(self, text: str) -> str:
        """Sign a text (EIP-191, personal_sign)."""
        return "0x" + bytes(self.account.sign_message(encode_defunct(text=text)).signature).hex()


@dataclass(frozen=True, kw_only=True, slots=True)
class Coin:
    """A network that anvil can be, and what is paid there."""

    chain: str  # CAIP-2
    method: str
    ticker: str
    price: str


ETHEREUM = Coin(chain="eip155:31337", method="eth", ticker="ETH", price="0.05")
POLYGON = Coin(chain="eip155:80002", method="matic", ticker="POL", price="25")  # by the name that pages know
BNB = Coin(chain="eip155:97", method="bnb", ticker="BNB", price="0.02")


class EvmGround:
    """`usher.demo.ground.Ground` on anvil."""

    link = "ERC-681"
    carries_memos = True
    stranger = "no_ticket"

    def __init__(self, node: Rpc, coin: Coin) -> None:
        self.chain, self.method, self.ticker, self.price = coin.chain, coin.method, coin.ticker, coin.price
        self.title = f"anvil, a real EVM node, runs with {coin.ticker} as its coin"
        self._node = node
        self._platform = Account.create().address
        self._accounts: dict[str, LocalAccount] = {}
        self._other_way = ""  # a transaction that takes the lost one's place

    async def deployment(self) -> Deployment:
        """Give the node and a watch-only key."""
        options = ("--endpoint", f"{self.chain}={self._node.url}", "--xpub", keys.fresh_xpub())
        return Deployment(receive=self._platform, options=options)

    async def wallet(self, name: str) -> Wallet:
        """Make a key and give it coins."""
        made = EvmWallet(name=name, account=Account.create())
        self._accounts[made.address] = made.account
        await self._node.call("anvil_setBalance", made.address, hex(RICHES))
        return made

    async def pay(self, wallet: Wallet, link: str) -> str:
        """Pay an ERC-681 link."""
        to, wei = _read(link)
        return await self._send(await self._signed(wallet, to=to, value=wei))

    async def pay_with_memo(self, wallet: Wallet, memo: str) -> str:
        """Send with the memo in calldata."""
        data = "0x" + memo.encode().hex()
        return await self._send(
            await self._signed(wallet, to=self._platform, value=to_units(self.price, WEI), data=data)
        )

    async def advance(self) -> None:
        """Mine a block."""
        await self._node.call("anvil_mine", "0x1")

    async def pay_in_vain(self, wallet: Wallet, link: str) -> str:
        """Pay, and sign another transaction with the same nonce."""
        to, wei = _read(link)
        self._other_way = await self._signed(wallet, to=wallet.address, value=0)
        txid = await self._send(await self._signed(wallet, to=to, value=wei))
        await self.advance()
        return txid

    async def lose(self) -> None:
        """Replace the newest block by one with that other transaction."""
        await self._node.call("anvil_reorg", 1, [[self._other_way, 0]])

    async def _signed(self, wallet: Wallet, *, to: str, value: int, data: str = "0x") -> str:
        price = int(await self._node.call("eth_gasPrice"), 16)
        fields: dict[str, Any] = {
            "chainId": int(await self._node.call("eth_chainId"), 16),
            "nonce": int(await self._node.call("eth_getTransactionCount", wallet.address, "pending"), 16),
            "to": to,
            "value": value,
            "data": data,
            "gas": GAS,
            "maxFeePerGas": price * 2,
            "maxPriorityFeePerGas": price,
        }
        return "0x" + bytes(self._accounts[wallet.address].sign_transaction(fields).raw_transaction).hex()

    async def _send(self, raw: str) -> str:
        txid: str = await self._node.call("eth_sendRawTransaction", raw)
        return txid


@asynccontextmanager
async def opened(
    folder: Path, http: aiohttp.ClientSession, *, coin: Coin, anvil: Path | None = None
) -> AsyncIterator[EvmGround]:
    """Run the node in a folder, as a network of this coin."""
    port = free_port()
    command = [
        str(anvil or found() or _missing()),
        "--host", "127.0.0.1", "--port", str(port), "--chain-id", coin.chain.partition(":")[2],
        "--no-mining",
    ]  # fmt: skip
    node = Rpc(url=f"http://127.0.0.1:{port}", http=http)
    async with process(command, log=folder / "anvil.log", ready=lambda: node.ready("eth_chainId")):
        yield EvmGround(node, coin)


def found() -> Path | None:
    """Return where anvil is, installed by `make demo` or named by the PATH."""
    return program("anvil", *NPM_BUILDS.glob("anvil-*/bin/anvil"))


def _missing() -> Path:
    raise StageError("anvil is not installed: run `make demo`, or put anvil on the PATH")


def _read(link: str) -> tuple[str, int]:
    """Read an ERC-681 link as a wallet does: whom to pay, and how many wei."""
    request = uri.parse(link)
    if isinstance(request, uri.Malformed) or request.amount is None:
        raise NotToldError(f"the link cannot be read: {request}")
    return request.target, request.amount
