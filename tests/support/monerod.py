"""A real Monero regtest: monerod, and the wallets that monero-wallet-rpc keeps, with the few calls tests make on it."""

import contextlib
import itertools
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.programs import ROOT, free_port, listens, program, running, scratch

OLDEST = (0, 18, 5)
"""Debian 12's 0.18.0 spins after a reorg."""
BIN = ROOT / ".nodes" / "bin"
AT_ONCE = 20
"""Blocks that are mined at one word: some 80 ms each, and several times that where the machine has other work."""


class NodeError(Exception):
    """The node or the wallet answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.code = error.get("code")
        super().__init__(error)


class OldProgramError(Exception):
    """A program of another version than the tests need."""


def _post(url: str, path: str, body: Any) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers)  # noqa: S310  loopback
    with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
        return json.load(response)


@dataclass(slots=True)
class JsonRpc:
    """One JSON-RPC door."""

    url: str
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def rpc(self, method: str, **params: Any) -> Any:
        """Call a method and return its result."""
        question = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}
        answer = _post(self.url, "/json_rpc", question)
        if "error" in answer:
            raise NodeError(answer["error"])
        return answer["result"]

    def post(self, path: str, **body: Any) -> Any:
        """Call one of the doors that are not JSON-RPC."""
        return _post(self.url, path, body)


@dataclass(slots=True)
class Monerod(JsonRpc):
    """A running daemon. Blocks are mined only when a test says so."""

    port: int = 0
    command: Sequence[str] = ()
    _process: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self) -> None:
        """Start it over what its folder holds."""
        self._process.enter_context(running(self.command, ready=lambda: listens(self.port)))

    def stop(self) -> None:
        """Stop it in good order: its chain stays in its folder."""
        self._process.close()

    def mine(self, blocks: int, address: str) -> int:
        """Mine blocks to an address, what waits in the pool into the first; return the newest height."""
        while any(not one["relayed"] and not one["do_not_relay"] for one in self.waiting()):
            time.sleep(0.01)  # a block takes only what was relayed, which it is a moment after it was taken
        height = self.height()
        for done in range(0, blocks, AT_ONCE):
            some = min(AT_ONCE, blocks - done)
            height = self.rpc("generateblocks", amount_of_blocks=some, wallet_address=address)["height"]
        return height

    def waiting(self) -> list[dict[str, Any]]:
        """Return the transactions of the pool."""
        waiting: list[dict[str, Any]] = self.post("/get_transaction_pool").get("transactions", [])
        return waiting

    def height(self) -> int:
        """Return the newest block's height."""
        count: int = self.rpc("get_block_count")["count"]
        return count - 1

    def pop(self, blocks: int, *, flush: bool = True) -> None:
        """Take the newest blocks away; their transactions wait in the pool again, unless it is flushed."""
        self.post("/pop_blocks", nblocks=blocks)
        if flush:
            self.flush()

    def flush(self, *txids: str) -> None:
        """Forget transactions of the pool; all of them if none is named."""
        self.rpc("flush_txpool", txids=list(txids))


def version_of(path: str) -> tuple[int, ...]:
    """Return what a program says its version is."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    match = re.search(r"v(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, match.groups())) if match else ()


def monero_program(name: str, *, variable: str) -> str:
    """Return where a program is. Raises OldProgramError where the one that is found is too old."""
    path = program(name, variable=variable, also=[BIN / name])
    version = version_of(path)
    if version < OLDEST:
        raise OldProgramError(f"{path} is {'.'.join(map(str, version)) or 'of no known version'}: run `make nodes`")
    return path


@contextlib.contextmanager
def monerod() -> Iterator[Monerod]:
    """Run a regtest daemon on free ports, its data in memory."""
    folder, port, peers = scratch("monerod"), free_port(), free_port()
    command = [
        monero_program("monerod", variable="MONEROD"),
        *("--regtest", "--keep-fakechain", "--offline", "--fixed-difficulty", "1", "--data-dir", str(folder)),
        *("--rpc-bind-ip", "127.0.0.1", "--rpc-bind-port", str(port)),
        *("--p2p-bind-ip", "127.0.0.1", "--p2p-bind-port", str(peers)),
        *("--no-zmq", "--non-interactive", "--disable-rpc-ban", "--log-level", "0"),
        *("--rpc-max-connections-per-private-ip", "100"),
    ]
    node = Monerod(url=f"http://127.0.0.1:{port}", port=port, command=command)
    try:
        node.start()
        yield node
    finally:
        node.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class WalletRpc(JsonRpc):
    """A running monero-wallet-rpc and the folder of its wallets."""

    folder: Path = field(default_factory=Path)
    process: int = 0

    def open(self, name: str, password: str = "") -> None:
        """Open a wallet that scans only when it is asked to."""
        self.rpc("auto_refresh", enable=False)
        self.rpc("open_wallet", filename=name, password=password)

    def create(self, name: str) -> str:
        """Make a wallet with keys of its own, and return its primary address."""
        self.rpc("auto_refresh", enable=False)
        self.rpc("create_wallet", filename=name, language="English")
        address: str = self.rpc("get_address")["address"]
        return address

    def key(self, kind: str) -> str:
        """Return the open wallet's `view_key` or `spend_key`."""
        key: str = self.rpc("query_key", key_type=kind)["key"]
        return key

    def lose(self, name: str) -> None:
        """Delete a wallet's files."""
        for path in (self.folder / "wallets").glob(f"{name}*"):
            path.unlink()


@contextlib.contextmanager
def wallet_rpc(
    daemon: str, *, folder: Path | None = None, port: int | None = None, login: str | None = None
) -> Iterator[WalletRpc]:
    """Run monero-wallet-rpc in front of a daemon (its URL). A folder that is given stays."""
    home, port = folder or scratch("monero-wallet"), port or free_port()
    command = [
        monero_program("monero-wallet-rpc", variable="MONERO_WALLET_RPC"),
        *("--daemon-address", daemon.removeprefix("http://"), "--trusted-daemon", "--allow-mismatched-daemon-version"),
        *("--rpc-bind-port", str(port), "--wallet-dir", str(home / "wallets")),
        *("--shared-ringdb-dir", str(home / "rings"), "--log-file", str(home / "log"), "--log-level", "0"),
        *(("--rpc-login", login) if login else ("--disable-rpc-login",)),
    ]
    try:
        with running(command, ready=lambda: listens(port), folder=home) as process:
            yield WalletRpc(url=f"http://127.0.0.1:{port}", folder=home, process=process.pid)
    finally:
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)
