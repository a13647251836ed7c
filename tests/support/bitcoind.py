"""A real Bitcoin node on its own chain (bitcoind -regtest), with a wallet that has coins, and what tests do to it."""

import base64
import contextlib
import itertools
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tests.support.anvil import NodeError
from tests.support.programs import ROOT, free_port, new_enough, program, running, scratch

OLDEST = (27, 0)
"""Older ones do not tell from where a transaction's inputs came, or mine as these tests want it."""
USER, PASSWORD = "usher", "regtest"
MINER, BUYER = "miner", "buyer"
MATURITY = 100
"""Blocks on top of a coinbase before it may be spent (Bitcoin Core's COINBASE_MATURITY)."""
COIN = 100_000_000
FEE = 1_000
_ARGUMENTS = (
    "-regtest",
    "-server=1",
    "-listen=0",
    "-dnsseed=0",
    "-rpcbind=127.0.0.1",
    "-rpcallowip=127.0.0.1",
    f"-rpcuser={USER}",
    f"-rpcpassword={PASSWORD}",
    "-fallbackfee=0.0001",
    "-dustrelayfee=0",  # single satoshis are paid
    "-persistmempool=0",  # what waits is lost with a restart
    "-walletbroadcast=0",  # and does not come back by itself
)


@dataclass(slots=True)
class Bitcoind:
    """A running node. Blocks are mined only when a test says so."""

    folder: Path
    port: int
    arguments: tuple[str, ...] = ()  # beside those of every test
    program: str = ""  # another node of the family; none: bitcoind
    ids: "itertools.count[int]" = field(default_factory=itertools.count)
    _process: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """Start it over what its folder holds."""
        own = (f"-datadir={self.folder}", f"-rpcport={self.port}")
        command = [self.program or bitcoind_path(), *own, *_ARGUMENTS, *self.arguments]
        self._process.enter_context(running(command, ready=self._answers))

    def stop(self) -> None:
        """Stop it; what waited in its pool is lost, and no wallet puts it back."""
        self._process.close()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, NodeError):
            return bool(self.rpc("getblockchaininfo"))
        return False

    @property
    def url(self) -> str:
        """Where it answers, with its user and password."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    def rpc(self, method: str, *params: Any, wallet: str | None = None) -> Any:
        """Call a method and return its result. Raises NodeError with the node's own error."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}).encode()
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        path = f"/wallet/{wallet}" if wallet else ""
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                answer = json.load(response)
        except urllib.error.HTTPError as error:  # as JSON-RPC 1.1 tells errors
            answer = json.load(error)
        if answer.get("error") is not None:
            raise NodeError(answer["error"])
        return answer["result"]

    def add_wallet(self, name: str) -> None:
        """Make a wallet that is loaded again after a restart."""
        self.rpc("createwallet", name, False, False, "", False, True, True)

    @property
    def height(self) -> int:
        """The number of the newest block."""
        height: int = self.rpc("getblockcount")
        return height

    def address(self, kind: str = "bech32", *, wallet: str = MINER) -> str:
        """Return a fresh address of a wallet: `legacy`, `p2sh-segwit`, `bech32` or `bech32m`."""
        address: str = self.rpc("getnewaddress", "", kind, wallet=wallet)
        return address

    def mine(self, blocks: int = 1, *, to: str | None = None) -> list[str]:
        """Mine blocks, what waits goes into the first; return their hashes."""
        hashes: list[str] = self.rpc("generatetoaddress", blocks, to or self.address())
        return hashes

    def mine_only(self, *transactions: str, to: str | None = None) -> str:
        """Mine one block with just these transactions (ids of waiting ones, or raw ones whatever the relay rules)."""
        block = self.rpc("generateblock", to or self.address(), list(transactions))
        digest: str = block["hash"]
        return digest

    def undo(self, depth: int) -> None:
        """Take the newest blocks off the chain; their transactions wait again."""
        self.rpc("invalidateblock", self.rpc("getblockhash", self.height - depth + 1))

    def send(self, raw: str) -> str:
        """Put a transaction into the pool, whatever fee it pays, and return its id."""
        txid: str = self.rpc("sendrawtransaction", raw, 0)
        return txid

    def pay(self, *outputs: tuple[str | bytes, int], wallet: str = MINER, **options: Any) -> str:
        """Sign a payment of (address or script, satoshis), put it into the pool and return its id."""
        return self.send(self.signed(self.funded(*outputs, wallet=wallet, **options), wallet=wallet))

    def funded(self, *outputs: tuple[str | bytes, int], wallet: str = MINER, **options: Any) -> str:
        """Return an unsigned transaction with these outputs first, in their order, that spends one large coin."""
        coins = self.rpc("listunspent", 1, 9_999_999, [], True, {"minimumAmount": 10}, wallet=wallet)
        coin = next(coin for coin in coins if "vout" in coin)  # Litecoin lists those in its extension without one
        paid = [(self.script(to) if isinstance(to, str) else to, amount) for to, amount in outputs]
        raw = transaction([(coin["txid"], coin["vout"])], paid)
        wanted = {"changePosition": len(outputs), "fee_rate": 5, "lockUnspents": True, "replaceable": True, **options}
        funded: str = self.rpc("fundrawtransaction", raw, wanted, False, wallet=wallet)["hex"]
        return funded

    def signed(self, raw: str, coins: Sequence[dict[str, Any]] = (), *, wallet: str = MINER) -> str:
        """Return a transaction with a wallet's signatures."""
        answer = self.rpc("signrawtransactionwithwallet", raw, list(coins), wallet=wallet)
        assert answer["complete"], answer
        signed: str = answer["hex"]
        return signed

    def script(self, address: str) -> bytes:
        """Return an address's output script, by the node's own word."""
        return bytes.fromhex(self.rpc("validateaddress", address)["scriptPubKey"])

    def inputs_of(self, txid: str) -> list[tuple[str, int]]:
        """Return what a waiting or recorded transaction of a wallet spends."""
        decoded = self.rpc("decoderawtransaction", self.raw(txid))
        return [(spent["txid"], spent["vout"]) for spent in decoded["vin"]]

    def raw(self, txid: str, *, wallet: str = MINER) -> str:
        """Return a transaction of a wallet in hex, wherever it is."""
        raw: str = self.rpc("gettransaction", txid, wallet=wallet)["hex"]
        return raw

    def respend(self, txid: str, *outputs: tuple[str | bytes, int], fee: int = 20 * FEE) -> str:
        """Return a signed transaction that spends the very inputs of another one; the rest goes back to the wallet."""
        inputs = self.inputs_of(txid)
        spent = [self.rpc("decoderawtransaction", self.raw(before))["vout"][vout] for before, vout in inputs]
        paid = [(self.script(to) if isinstance(to, str) else to, amount) for to, amount in outputs]
        total = sum(round(output["value"] * COIN) for output in spent)
        change = (self.script(self.address()), total - fee - sum(amount for _, amount in paid))
        coins = [  # told, since the wallet does not sign what it thinks is spent
            {"txid": before, "vout": vout, "scriptPubKey": output["scriptPubKey"]["hex"], "amount": output["value"]}
            for (before, vout), output in zip(inputs, spent, strict=True)
        ]
        return self.signed(transaction(inputs, [*paid, change]), coins)


Node = TypeVar("Node", bound=Bitcoind)


def transaction(inputs: Sequence[tuple[str, int]], outputs: Sequence[tuple[bytes, int]], *, version: int = 2) -> str:
    """Return an unsigned transaction, replaceable by BIP-125, in the form without a witness (BIP-144), as hex."""
    parts = [version.to_bytes(4, "little"), varint(len(inputs))]
    for txid, vout in inputs:
        parts += [bytes.fromhex(txid)[::-1], vout.to_bytes(4, "little"), b"\0", (2**32 - 3).to_bytes(4, "little")]
    parts.append(varint(len(outputs)))
    for script, amount in outputs:
        parts += [amount.to_bytes(8, "little"), varint(len(script)), script]
    return b"".join((*parts, bytes(4))).hex()


def varint(number: int) -> bytes:
    """Return a number in Bitcoin's compact size."""
    if number < 253:
        return bytes([number])
    return b"\xfd" + number.to_bytes(2, "little") if number < 2**16 else b"\xfe" + number.to_bytes(4, "little")


def op_return(*pushes: bytes) -> bytes:
    """Return a script that carries data in so many pushes."""
    return b"\x6a" + b"".join(push(data) for data in pushes)


def push(data: bytes) -> bytes:
    """Return what pushes the data in a script, in the shortest form for its length."""
    if len(data) < 0x4C:
        return bytes([len(data)]) + data
    return bytes([0x4C, len(data)]) + data if len(data) < 2**8 else b"\x4d" + len(data).to_bytes(2, "little") + data


@cache
def bitcoind_path() -> str:
    """Return where bitcoind is. Raises OutdatedProgramError where it is too old."""
    path = program("bitcoind", variable="BITCOIND", also=[ROOT / ".nodes" / "bin" / "bitcoind"])
    return new_enough(path, OLDEST, option="-version")


@contextlib.contextmanager
def bitcoind_node(*arguments: str, blocks: int = 2 * MATURITY) -> Iterator[Bitcoind]:
    """Run bitcoind on a fresh chain of so many blocks, with wallets `miner`, whose coins are mature, and `buyer`."""
    with started(Bitcoind(folder=scratch("bitcoind"), port=free_port(), arguments=arguments), blocks) as node:
        yield node


@contextlib.contextmanager
def started(node: Node, blocks: int) -> Iterator[Node]:
    """Start a node of the family, whose folder is its own, with both wallets and so many blocks."""
    try:
        node.start()
        for wallet in (MINER, BUYER):
            node.add_wallet(wallet)
        if blocks:
            node.mine(blocks)
        yield node
    finally:
        node.stop()
        shutil.rmtree(node.folder, ignore_errors=True)
