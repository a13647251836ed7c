"""One hand for every chain: what the contract suite does to a chain, made by a fake and by a real node alike."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import pytest
from aiohttp import ClientTimeout
from eth_account import Account

from chains.evm.address import display
from chains.evm.source import EvmSource
from chains.evm.transport import SECONDS, EvmTransport, identify
from chains.failover import Endpoints
from chains.following import BLOCKS_PER_POLL
from chains.port import ChainSource, Checkpoint, Payment, Sweep, Watch
from chains.rpc import Endpoint, Observer, ignore
from chains.testing import FakeChain
from config.keccak import keccak256
from config.loader import load_registry
from config.registry import Asset, Chain, Family, Finality
from tests.support import driver_bitcoin, driver_hive, driver_litecoin, driver_monero, driver_solana
from tests.support.anvil import MNEMONIC_KEYS, Anvil, anvil_node
from tests.support.chains_contracts import bytecode
from tests.support.lying_node import LyingNode, lying_node
from tests.support.natures import FINALITY, Nature, nature_of


class Driver(Protocol):
    """Requirements: nothing is mined but by `mine` and `reorg`; `reorg` loses the transactions of the old blocks."""

    watch: Watch
    ours: str
    height: int

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        """Return a source that knows nothing of what others have read."""

    def mine(self, blocks: int = 1) -> None:
        """Mine blocks, what waits goes into the first."""

    def pay(self, amount: int, memo: str | None = None) -> str:
        """Send native value to us and return the transaction's id; it waits to be mined."""

    def pay_twice(self, amount: int) -> str:
        """Send one transaction with two payments."""

    def pay_by_block(self, amount: int) -> str:
        """Send a transaction that pays us `amount` in the next block, and 1 in any other."""

    def reorg(self, depth: int) -> None:
        """Replace blocks by others at the same heights, without their transactions."""

    def send_again(self, txid: str) -> None:
        """Let a lost transaction wait to be mined again."""

    def replace(self, txid: str) -> None:
        """Let another transaction of the same sender and nonce wait, which pays somebody else."""

    def lag(self, blocks: int) -> None:
        """Answer as if the newest blocks were unknown; 0 ends it."""


class FakeDriver:
    """FakeChain, which offers most of it by itself."""

    ours = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"

    def __init__(self) -> None:
        self.watch = Watch(active=frozenset({self.ours}))
        self._chain = FakeChain(finality=FINALITY)
        self._sent: dict[str, tuple[int, str | None]] = {}

    @property
    def height(self) -> int:
        return self._chain.height

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        self._chain.blocks_per_poll = blocks_per_poll
        return self._chain

    def mine(self, blocks: int = 1) -> None:
        self._chain.mine(blocks)

    def pay(self, amount: int, memo: str | None = None) -> str:
        txid = self._chain.pay(self.ours, amount, memo=memo).last_txid
        self._sent[txid] = (amount, memo)
        return txid

    def pay_twice(self, amount: int) -> str:
        return self._chain.pay(self.ours, amount, times=2).last_txid

    def pay_by_block(self, amount: int) -> str:
        txid = self._chain.pay(self.ours, amount).last_txid
        self._sent[txid] = (1, None)
        return txid

    def reorg(self, depth: int) -> None:
        self._chain.reorg(depth)

    def send_again(self, txid: str) -> None:
        amount, memo = self._sent[txid]
        self._chain.pay(self.ours, amount, memo=memo, txid=txid)

    def replace(self, txid: str) -> None:
        self._chain.drop(txid).pay("0x" + "00" * 20, self._sent[txid][0])

    def lag(self, blocks: int) -> None:
        self._chain.lag(blocks)


class EvmDriver:
    """A real node, with a contract that pays in a token."""

    def __init__(self, node: Anvil, chain: Chain, proxy: LyingNode) -> None:
        self._node = node
        self._proxy = proxy
        self._key = Account.from_key(MNEMONIC_KEYS[1])
        self._nonce = 0
        self._sent: dict[str, dict[str, Any]] = {}
        self.ours = display(bytes.fromhex(node.accounts[3][2:]))
        self.watch = Watch(active=frozenset({self.ours}))
        self.coin, self.payer, self.fickle = deploy(node, "Coin"), deploy(node, "Payer"), deploy(node, "Fickle")
        for contract in (self.payer, self.fickle):
            node.send(to=self.coin, data=transfer_call(contract, 10**24))
        node.mine()
        self.chain = with_token(chain, self.coin)

    @property
    def height(self) -> int:
        return self._node.height()

    def source(self, *, blocks_per_poll: int = 100) -> ChainSource:
        return evm_source(self.chain, self._proxy.url, blocks_per_poll=blocks_per_poll)

    def mine(self, blocks: int = 1) -> None:
        self._node.mine(blocks)

    def pay(self, amount: int, memo: str | None = None, *, to: str | None = None) -> str:
        data = (memo or "").encode()
        return self._send({"to": to or self.ours, "value": amount, "data": data, "nonce": self._nonce})

    def pay_twice(self, amount: int, *, to: str | None = None) -> str:
        data = pay_call(self.coin, to or self.ours, amount, 2)
        return self._send({"to": self.payer, "value": 0, "data": data, "nonce": self._nonce})

    def pay_by_block(self, amount: int) -> str:
        data = pay_call(self.coin, self.ours, amount, self.height + 1)
        return self._send({"to": self.fickle, "value": 0, "data": data, "nonce": self._nonce})

    def reorg(self, depth: int) -> None:
        self._node.reorg(depth)
        self._nonce = int(self._node.rpc("eth_getTransactionCount", self._key.address, "latest"), 16)

    def send_again(self, txid: str) -> None:
        self._send(self._sent[txid])

    def replace(self, txid: str) -> None:
        self._send({**self._sent[txid], "to": "0x" + "11" * 20, "data": b""})

    def lag(self, blocks: int) -> None:
        self._proxy.lag = blocks

    def _send(self, fields: dict[str, Any]) -> str:
        fees = {"gas": 300_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        signed = self._key.sign_transaction({**fields, **fees, "chainId": self._node.chain_id})
        txid: str = self._node.rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
        self._sent[txid] = fields
        self._nonce = max(self._nonce, fields["nonce"] + 1)
        return txid


def evm_chain(chain_id: int, *, tag: str | None = None, blocks: int = FINALITY) -> Chain:
    """Return a shipped chain with a shallow finality."""
    chain = load_registry().chain(f"eip155:{chain_id}")
    assert chain is not None
    return replace(chain, finality=Finality(tag=tag, blocks=blocks), tokens=())


def with_token(chain: Chain, *contracts: str) -> Chain:
    """Return the chain with tokens of a test on its list."""
    tokens = tuple(
        Asset(
            id=f"{chain.id}/erc20:{contract.lower()}",
            chain=chain.id,
            ticker=f"COIN{number}",
            decimals=18,
            contract=contract.lower(),
        )
        for number, contract in enumerate(contracts)
    )
    return replace(chain, tokens=tokens)


def evm_source(
    chain: Chain,
    *urls: str,
    observer: Observer = ignore,
    seconds: ClientTimeout = SECONDS,
    agree_above: Mapping[str, int] | None = None,
    blocks_per_poll: int = BLOCKS_PER_POLL,
) -> EvmSource:
    """Return a source over these endpoints."""
    endpoints = [
        Endpoint(
            chain=chain.id,
            index=index,
            transport=EvmTransport(url, seconds=seconds),
            identify=identify,
            observer=observer,
        )
        for index, url in enumerate(urls)
    ]
    return EvmSource(chain, Endpoints(endpoints), agree_above=agree_above, blocks_per_poll=blocks_per_poll)


def deploy(node: Anvil, contract: str) -> str:
    """Deploy a contract of tests/data/evm/contracts.sol and return its address."""
    txid = node.send(to=None, data=bytecode(contract))
    node.mine()
    return display(bytes.fromhex(node.rpc("eth_getTransactionReceipt", txid)["contractAddress"][2:]))


def transfer_call(to: str, amount: int, memo: str = "") -> str:
    """Return the calldata of an ERC-20 transfer with a memo behind its arguments."""
    return f"0xa9059cbb{to[2:].lower():0>64}{amount:064x}{memo.encode().hex()}"


def pay_call(coin: str, to: str, amount: int, times: int) -> str:
    """Return the calldata of `Payer.pay`; `Fickle.pay` has the same, with a height at the end."""
    words = (int(coin, 16), int(to, 16), amount, times)
    return f"0x{selector('pay(address,address,uint256,uint256)')}" + "".join(f"{word:064x}" for word in words)


def selector(signature: str) -> str:
    """Return a function's selector, without 0x."""
    return keccak256(signature.encode()).hex()[:8]


@asynccontextmanager
async def _fake() -> AsyncIterator[Driver]:
    yield FakeDriver()


@asynccontextmanager
async def _evm(chain_id: int) -> AsyncIterator[Driver]:
    with anvil_node(chain_id) as node:
        async with lying_node(node.url) as proxy:
            yield EvmDriver(node, evm_chain(chain_id), proxy)


class Start(Protocol):
    """Starts a driver."""

    def __call__(self) -> AbstractAsyncContextManager[Driver]:
        """Return the running driver."""


DRIVERS: dict[str, tuple[Family | None, Start]] = {
    "fake": (None, _fake),
    "ethereum": (Family.EVM, partial(_evm, 1)),
    "polygon": (Family.EVM, partial(_evm, 137)),
    "bnb": (Family.EVM, partial(_evm, 56)),
    "bitcoin": (Family.BITCOIN, driver_bitcoin.start),
    "litecoin": (Family.BITCOIN, driver_litecoin.start),
    "solana": (Family.SOLANA, driver_solana.start),
    "hive": (Family.HIVE, driver_hive.start),
    "monero": (Family.MONERO, driver_monero.start),
}
"""Every implementation of the port, with the family it stands for."""


def nature(name: str) -> Nature:
    """Return what a driver's chain lacks by its nature."""
    return nature_of(DRIVERS[name][0])


def drivers(*wanted: str) -> list[str]:
    """Return the drivers whose chains can have all of what is wanted, by the names of Nature's fields."""
    return [name for name in DRIVERS if all(getattr(nature(name), want) for want in wanted)]


def on_one_worker(names: Iterable[str]) -> list[Any]:
    """Return chains as parameters of tests, each kept on one worker: a node may serve all tests of its chain there."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(f"chain {name}")) for name in names]


async def follow(source: ChainSource, checkpoint: Checkpoint, watch: Watch) -> tuple[list[Payment], Sweep]:
    """Poll until nothing more is ready; return what became final on the way, and the last sweep."""
    final: list[Payment] = []
    while True:
        sweep = await source.poll(checkpoint, watch)
        final += sweep.final
        checkpoint = sweep.checkpoint
        if not sweep.behind:
            return final, sweep
