"""A deployment of every family behind `usher gate`, with a ticket for each wallet that nobody here wrote."""

import contextlib
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from config.clock import utc_now
from tests.support.anvil import anvil_node
from tests.support.command_line import CommandLine, typed
from tests.support.monerod import WalletRpc, monerod, wallet_rpc
from tests.support.npm_wallets import ALL, KINDS, Challenge, MoneroWallet, Wallet, npm_wallet, scripts
from tests.support.programs import ROOT, free_port, listens, running, scratch

EVENT = "opening-night"
NOBODY = "http://127.0.0.1:9"
"""A node that is never asked: whose keys sign is all that most families' proofs are about."""
HIVE = "hive:42000000000000000000000000000000"
CHAINS = {  # where money would go; nobody pays here
    "eip155:31337": "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "bip122:0f9188f13cb7b2c71f2a335e3a4fc328": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "solana:UsherLocaLnet1111111111111111111": "9B5XszUGdMaxCZ7uSQhPzdks5ZQSmWxrmzCSvtJ6Ns6g",
    HIVE: "usher",
    "monero:regtest": "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
}
WIDE = {f"USHER_GATE__LIMITS__{limit}_PER_MINUTE": "100000" for limit in ("CHALLENGES", "JOINS", "JOINS_PER_WALLET")}
"""All wallets here ask from one address."""
MONERO = {"monero-wallet-rpc: primary address": 0, "monero-wallet-rpc: subaddress": 1}
FAMILIES: Mapping[str, Sequence[str]] = {**{family: [*kinds] for family, kinds in KINDS.items()}, "monero": [*MONERO]}
"""The names of all wallets by family."""


@dataclass(frozen=True, kw_only=True)
class House:
    """A running gate, and everybody with a ticket."""

    url: str
    wallets: Mapping[str, Wallet]

    @contextlib.asynccontextmanager
    async def visited(self) -> AsyncIterator["Door"]:
        """Go to the event's door."""
        async with aiohttp.ClientSession(self.url, connector=aiohttp.TCPConnector(limit=0)) as session:
            yield Door(session)


@dataclass(frozen=True)
class Door:
    """What a page asks of the gate for one event."""

    session: aiohttp.ClientSession

    async def challenge(self, wallet: Wallet) -> Challenge:
        """Return what a wallet is to sign."""
        status, answer = await self._post("challenge", wallet_address=wallet.address)
        assert status == 200, answer
        return {**answer, "text": answer["message"]}

    async def join(self, wallet: Wallet, **proof: Any) -> str:
        """Show a proof: "granted", or the code of the refusal."""
        status, answer = await self._post("join", wallet_address=wallet.address, **proof)
        assert (status == 200) is answer.get("access_granted", False), answer
        return "granted" if status == 200 else answer["code"]

    async def _post(self, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self.session.post(f"/api/events/{EVENT}/{what}", json=body) as answered:
            answer: dict[str, Any] = await answered.json()
            return answered.status, answer


@contextlib.contextmanager
def opened() -> Iterator[House]:
    """Run the gate; the nodes that it asks about wallets are real, or the emulation of Hive's."""
    with contextlib.ExitStack() as stack:
        signing = stack.enter_context(scripts("wallets"))
        rpc = stack.enter_context(_monero_wallet())
        anvil = stack.enter_context(anvil_node())
        hive = stack.enter_context(_hive())
        folder, port = scratch("wallets"), free_port()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = f"http://127.0.0.1:{port}"
        type_usher = _deployed(folder, port, url, {"eip155:31337": anvil.url, HIVE: hive})
        wallets: dict[str, Wallet] = {name: npm_wallet(signing, name) for name in ALL}
        wallets |= {name: MoneroWallet(rpc=rpc, index=index) for name, index in MONERO.items()}
        for name in KINDS["hive"]:
            _hive_account(hive, **npm_wallet(signing, name).secret)
        for address in {wallet.address for wallet in wallets.values()}:
            type_usher.json("tickets", "grant", EVENT, address)
        serve = [sys.executable, "-m", "usher", "--config", str(type_usher.config), "gate"]
        stack.enter_context(
            running(serve, ready=lambda: listens(port), folder=ROOT, environment={**os.environ, **WIDE}, seconds=60)
        )
        yield House(url=url, wallets=wallets)


def _deployed(folder: Path, port: int, url: str, nodes: Mapping[str, str]) -> CommandLine:
    """Make a deployment of every family, and an event whose doors are open."""
    view_key = folder / "view.key"
    view_key.write_text("f359631075708155cc3d92a32b75a7d02a5dcf27756707b47a2b31b21c389501")
    chains = [
        word
        for chain, receive in CHAINS.items()
        for word in ("--endpoint", f"{chain}={nodes.get(chain, NOBODY)}", "--receive", f"{chain}={receive}")
    ]
    made = typed(
        (
            "init", "--directory", str(folder), "--network", "test", *chains, "--wallet", f"monero:regtest={NOBODY}",
            "--view-key-file", f"monero:regtest={view_key}", "--port", str(port), "--metrics-port", str(free_port()),
            "--public-url", url, "--json",
        )
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["to_do"] == []
    type_usher = CommandLine(config=folder / "usher.toml")
    now = utc_now()
    times = {"--starts-at": now, "--ends-at": now + timedelta(hours=3), "--sales-end": now + timedelta(hours=2)}
    when = [word for flag, at in times.items() for word in (flag, at.isoformat(timespec="seconds"))]
    type_usher.json(
        "events", "create", "--slug", EVENT, "--title", "Opening night", "--space-id", "cave", "--capacity", "100",
        "--price", "eth=0.05", *when,
    )  # fmt: skip
    return type_usher


@contextlib.contextmanager
def _monero_wallet() -> Iterator[WalletRpc]:
    with monerod() as node, wallet_rpc(node.url) as rpc:
        rpc.create("visitor")
        rpc.rpc("create_address", account_index=0, count=len(MONERO))
        yield rpc


@contextlib.contextmanager
def _hive() -> Iterator[str]:
    """Run the emulation by today's clock; its URL."""
    port = free_port()
    command = [sys.executable, "-m", "tests.nodes.hive", "--port", str(port), "--every", "1"]
    with running(command, ready=lambda: listens(port), folder=ROOT):
        yield f"http://127.0.0.1:{port}"


def _hive_account(url: str, **account: str) -> None:
    question = {"jsonrpc": "2.0", "id": 1, "method": "emulator_account", "params": account}
    request = urllib.request.Request(url, json.dumps(question).encode())  # noqa: S310  loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert "result" in json.load(answer)
