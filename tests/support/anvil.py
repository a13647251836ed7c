"""A real EVM node (anvil) and the few calls tests make on it."""

import contextlib
import itertools
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.support.programs import NODE_MODULES, free_port, listens, new_enough, program, running

OLDEST = (1, 7)
"""What these tests were written on; of older ones nobody has seen how they replace blocks."""
MNEMONIC_KEYS = (  # anvil's published development keys
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
)


class NodeError(Exception):
    """The node answered with an error."""


@dataclass(slots=True)
class Anvil:
    """A running node. Blocks are mined only when a test says so."""

    url: str
    chain_id: int
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def rpc(self, method: str, *params: Any) -> Any:
        """Call a method and return its result."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer = json.load(response)
        if "error" in answer:
            raise NodeError(answer["error"])
        return answer["result"]

    @contextlib.contextmanager
    def lent(self) -> Iterator["Anvil"]:
        """Give the node away for a while: the chain is put back to where it was afterwards."""
        snapshot = self.rpc("evm_snapshot")
        yield self
        self.rpc("evm_revert", snapshot)

    @property
    def accounts(self) -> list[str]:
        """Unlocked, funded accounts (EIP-55)."""
        accounts: list[str] = self.rpc("eth_accounts")
        return accounts

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks, or what waits in the pool into the first."""
        self.rpc("anvil_mine", hex(blocks))

    def height(self) -> int:
        """Return the number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def send(self, *, to: str | None, value: int = 0, data: str = "0x", sender: str | None = None, **extra: Any) -> str:
        """Put a transaction into the pool and return its hash."""
        transaction = {
            "from": sender or self.accounts[0],
            "value": hex(value),
            "data": data,
            "gas": hex(3_000_000),
            **extra,
        }
        if to is not None:
            transaction["to"] = to
        txid: str = self.rpc("eth_sendTransaction", transaction)
        return txid

    def reorg(self, depth: int, transactions: list[list[Any]] | None = None) -> None:
        """Replace the newest blocks by others at the same heights; their transactions are lost."""
        self.rpc("anvil_reorg", depth, transactions or [])


@cache
def anvil_path() -> str:
    """Return where anvil is, whichever platform's build npm has put there. Raises OutdatedProgramError."""
    path = program("anvil", variable="ANVIL", also=[*(NODE_MODULES / "@foundry-rs").glob("anvil-*/bin/anvil")])
    return new_enough(path, OLDEST)


@contextlib.contextmanager
def anvil_node(chain_id: int = 31337, *arguments: str, mining: bool = False) -> Iterator[Anvil]:
    """Run anvil on a free port. Unless `mining`, blocks appear only by `mine`."""
    port = free_port()
    path = anvil_path()
    command = [
        path,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--chain-id",
        str(chain_id),
        "--silent",
        *arguments,
    ]
    if not mining:
        command.append("--no-mining")
    with running(command, ready=lambda: listens(port)):
        yield Anvil(url=f"http://127.0.0.1:{port}", chain_id=chain_id)
