"""The story on Solana: an in-process runtime behind a node's RPC door. It needs nothing but Python."""

import base64
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from chains.solana import uri
from config.amounts import to_units
from usher.demo.ground import Deployment, Wallet
from usher.demo.rpc import Rpc
from usher.demo.stage import ROOT, free_port, process
from usher.demo.teller import NotToldError

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
DECIMALS = 9
RICHES = 10 * 10**DECIMALS


@dataclass(frozen=True, kw_only=True, slots=True)
class SolanaWallet:
    """A key that signs transactions and texts."""

    name: str
    key: Keypair

    @property
    def address(self) -> str:
        """The wallet's address."""
        return str(self.key.pubkey())

    async def sign(self, text: str) -> str:
        """Sign a text's bytes (`signMessage`)."""
        return str(self.key.sign_message(text.encode()))


class SolanaGround:
    """`usher.demo.ground.Ground` on the emulation."""

    chain = "solana:UsherLocaLnet1111111111111111111"
    title = "Solana's own runtime runs in a process behind an RPC door"
    link = "Solana Pay"
    method = "sol"
    ticker = "SOL"
    price = "0.5"
    carries_memos = True
    stranger = "no_ticket"

    def __init__(self, node: Rpc) -> None:
        self._node = node
        self._platform = Keypair().pubkey()
        self._keys: dict[str, Keypair] = {}

    async def deployment(self) -> Deployment:
        """Give the node. Orders are told apart by references, for which nothing has to be configured."""
        return Deployment(receive=str(self._platform), options=("--endpoint", f"{self.chain}={self._node.url}"))

    async def wallet(self, name: str) -> Wallet:
        """Make a key and give it coins."""
        made = SolanaWallet(name=name, key=Keypair())
        self._keys[made.address] = made.key
        await self._node.call("requestAirdrop", made.address, RICHES)
        await self.advance()
        return made

    async def pay(self, wallet: Wallet, link: str) -> str:
        """Pay a Solana Pay link: the transfer names the references, and the memo comes just before it."""
        asked = uri.parse(link)
        units = asked.units(DECIMALS) if isinstance(asked, uri.TransferRequest) else None
        if not isinstance(asked, uri.TransferRequest) or units is None:
            raise NotToldError(f"the link cannot be read: {asked}")
        return await self._send(wallet, asked.recipient, units, asked.memo, asked.references)

    async def pay_with_memo(self, wallet: Wallet, memo: str) -> str:
        """Send with the memo in an instruction of its own."""
        return await self._send(wallet, str(self._platform), to_units(self.price, DECIMALS), memo)

    async def advance(self) -> None:
        """Make a block."""
        await self._node.call("emulator_mine", 1)

    async def pay_in_vain(self, wallet: Wallet, link: str) -> str:
        """Pay in a block that is not final."""
        txid = await self.pay(wallet, link)
        await self.advance()
        return txid

    async def lose(self) -> None:
        """Give up that fork."""
        await self._node.call("emulator_fork", 1)

    async def _send(
        self, wallet: Wallet, to: str, lamports: int, memo: str | None, references: Sequence[str] = ()
    ) -> str:
        key = self._keys[wallet.address]
        moving = transfer(TransferParams(from_pubkey=key.pubkey(), to_pubkey=Pubkey.from_string(to), lamports=lamports))
        named = [AccountMeta(Pubkey.from_string(one), is_signer=False, is_writable=False) for one in references]
        calls = [Instruction(moving.program_id, bytes(moving.data), [*moving.accounts, *named])]
        if memo is not None:
            calls.insert(0, Instruction(MEMO, memo.encode(), []))
        latest = await self._node.call("getLatestBlockhash")
        recent = Hash.from_string(latest["value"]["blockhash"])
        signed = VersionedTransaction(MessageV0.try_compile(key.pubkey(), calls, [], recent), [key])
        txid: str = await self._node.call("sendTransaction", _encoded(signed), {"encoding": "base64"})
        return txid


def _encoded(transaction: VersionedTransaction) -> str:
    """Return a transaction as it is sent."""
    return base64.b64encode(bytes(transaction)).decode()


@asynccontextmanager
async def opened(folder: Path, http: aiohttp.ClientSession) -> AsyncIterator[SolanaGround]:
    """Run the emulation."""
    port = free_port()
    command = [sys.executable, "-m", "tests.nodes.solana", "--port", str(port), "--finality", "8", "--today"]
    node = Rpc(url=f"http://127.0.0.1:{port}", http=http)
    async with process(command, log=folder / "solana.log", at=ROOT, ready=lambda: node.ready("getHealth")):
        yield SolanaGround(node)
