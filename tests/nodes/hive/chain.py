"""The chain: a pool, blocks that are produced when told, forks that are made when told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from chains.hive import digest
from chains.hive.amounts import HBD, HIVE, Amount
from chains.hive.binary import Form, seconds
from chains.hive.operations import Operation, opened
from tests.nodes.hive import authority, execute, spelling, wallet
from tests.nodes.hive.state import Account, Authority, Refused, State

T = TypeVar("T")

MAIN, TEST = "beeab0de" + "00" * 28, "42" + "00" * 31
STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)
WITNESSES = 21
LONGEST_LIFE = 24 * 3600
"""Seconds until a transaction must expire (HIVE_MAX_TIME_UNTIL_SIGNATURE_EXPIRATION of hardfork 28)."""
NO_BLOCK = "00" * 20


@dataclass(frozen=True)
class Transaction:
    """A transaction in the newer spelling, with its hashes in the form in which it was signed."""

    raw: Mapping[str, Any]
    operations: tuple[Operation, ...]
    txid: str
    leaf: bytes


@dataclass(frozen=True)
class Virtual:
    """An operation of the chain's own, in a transaction or behind all of them."""

    operation: Operation
    transaction: int | None
    place: int


@dataclass
class Block:
    """A block, and the state after it."""

    number: int
    header: Mapping[str, Any]
    signature: str
    identity: str
    key: str
    transactions: tuple[Transaction, ...]
    virtual: tuple[Virtual, ...]
    irreversible: int
    time: int
    state: State

    @cached_property
    def modern(self) -> dict[str, Any]:
        """Return it as block_api tells it."""
        return {
            **self.header,
            "witness_signature": self.signature,
            "transactions": [one.raw for one in self.transactions],
            "block_id": self.identity,
            "signing_key": self.key,
            "transaction_ids": [one.txid for one in self.transactions],
        }


@dataclass
class Emulation:
    """A chain of its own. Nothing happens but what is asked for."""

    chain_id: str = TEST
    symbols_of_test: bool = False  # TESTS, TBD and TST, as hived has them where it was built for tests
    started: datetime = STARTED
    block_seconds: int = 3
    irreversible_after: int = 15  # blocks on top of one until it is irreversible
    clock: Callable[[], datetime] | None = None  # None: time passes by blocks alone
    hardfork: str = "1.28.0"
    blocks: list[Block] = field(default_factory=list)
    pool: list[Transaction] = field(default_factory=list)
    keys: dict[str, wallet.Keys] = field(default_factory=dict)  # of the accounts made here
    fork: int = 0  # how often the chain forked: other witnesses sign then
    next_time: int | None = None

    def __post_init__(self) -> None:
        genesis = State()
        for name in ("initminer", "null", "temp"):
            genesis.put(self._new_account(name, int(self.started.timestamp())))
        genesis.put(genesis.account("initminer").credited(_coins(10**12, HIVE)).credited(_coins(10**12, HBD)))
        self.blocks.append(
            Block(0, {}, "", NO_BLOCK, "", (), (), 0, int(self.started.timestamp()), genesis),
        )

    @property
    def prefix(self) -> str:
        return "TST" if self.symbols_of_test else "STM"

    @property
    def forms(self) -> tuple[Form, ...]:
        """How transactions may be signed here, the usual one first."""
        return (Form.TEST if self.symbols_of_test else Form.LEGACY, Form.NAI)

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    # --- what only tests may do --------------------------------------------------------------------------------

    def account(self, name: str, *, hive: int = 0, hbd: int = 0, password: str | None = None) -> wallet.Keys:
        """Make an account that was always there, or take the one there is, and give it so much more (units).

        A new account's keys come from the password, as wallets make them.
        """
        keys = self.keys.setdefault(name, wallet.Keys(name, password or f"password of {name}"))
        for block in self.blocks:
            if name not in block.state.accounts:
                block.state.put(self._new_account(name, self.blocks[0].time))
            account = block.state.account(name)
            block.state.put(account.credited(_coins(hive, HIVE)).credited(_coins(hbd, HBD)))
        return keys

    def mine(self, blocks: int = 1) -> None:
        """Produce blocks; the first takes what waits in the pool."""
        for _ in range(blocks):
            self.blocks.append(self._produce())

    def drop_blocks(self, depth: int, *, keep: bool = False) -> None:
        """Forget the newest blocks, even irreversible ones; their transactions wait again, or are lost."""
        dropped = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        self.fork += 1
        if keep:
            self.pool[:0] = [one for block in dropped for one in block.transactions]

    def reorg(self, depth: int, *, keep: bool = False) -> None:
        """Replace the newest blocks by as many others."""
        self.drop_blocks(depth, keep=keep)
        self.mine(depth)

    def set_clock(self, moment: datetime) -> None:
        """Produce the next block at this time."""
        self.next_time = int(moment.timestamp())

    def pass_time(self, duration: timedelta) -> None:
        """Let so much time go by before the next block."""
        self.next_time = self.head.time + int(duration.total_seconds())

    # --- what wallets do -----------------------------------------------------------------------------------------

    def transaction(self, *operations: Any, life: int = 60) -> dict[str, Any]:
        """Return a transaction about the newest block, without signatures."""
        block = self.head
        return {
            "ref_block_num": block.number & 0xFFFF,
            "ref_block_prefix": int.from_bytes(bytes.fromhex(block.identity)[4:8], "little"),
            "expiration": _text(block.time + life),
            "operations": list(operations),
            "extensions": [],
        }

    def sign(self, transaction: Mapping[str, Any], *secrets: bytes, form: Form | None = None) -> dict[str, Any]:
        return wallet.signed(transaction, bytes.fromhex(self.chain_id), secrets, form or self.forms[0])

    def send(self, name: str, *operations: Any, role: str = "active", life: int = 60) -> str:
        """Sign operations with a key of an account made here, broadcast them, and return the transaction's id."""
        return self.push(self.sign(self.transaction(*operations, life=life), self.keys[name].secret(role)))

    # --- what hived does -----------------------------------------------------------------------------------------

    def push(self, raw: Mapping[str, Any]) -> str:
        """Take a broadcast transaction into the pool and return its id. Raises Refused."""
        transaction = self.accepted(raw, self.head.state)
        state = self.head.state.copy()
        for waiting in self.pool:
            self._apply(state, waiting)
        self._check(state, transaction)
        self._apply(state, transaction)
        self.pool.append(transaction)
        return transaction.txid

    def accepted(self, raw: Mapping[str, Any], state: State) -> Transaction:
        """Return a transaction whose signatures reach all authorities, in one of the forms. Raises Refused."""
        operations = [spelling.modern(one) for one in raw.get("operations", ())]
        if not operations or None in operations:
            raise Refused("A transaction must have at least one operation", "Bad Cast")
        whole = {**raw, "operations": operations}
        whole.setdefault("signatures", [])
        whole.setdefault("extensions", [])
        whole["expiration"] = str(whole["expiration"]).removesuffix("Z").partition(".")[0]
        opened_ones = tuple(one for one in map(opened, operations) if one is not None)
        refusals = []
        for form in self.forms:
            try:
                keys = authority.signers(whole, bytes.fromhex(self.chain_id), form)
                authority.check(state, opened_ones, keys)
            except Refused as refusal:
                refusals.append(refusal)
                continue
            body = _there(digest.unsigned(whole, form))
            hashed = _there(digest.hashed(whole, digest.transaction_id(body)))
            kept = ("ref_block_num", "ref_block_prefix", "expiration", "operations", "extensions", "signatures")
            told = {name: whole[name] for name in kept}
            return Transaction(raw=told, operations=opened_ones, txid=hashed.txid, leaf=hashed.leaf)
        raise refusals[0]

    def _check(self, state: State, transaction: Transaction) -> None:
        raw = transaction.raw
        expiration = seconds(raw["expiration"])
        if transaction.txid in state.recent:
            raise Refused("Duplicate transaction check failed")
        if expiration > self.head.time + LONGEST_LIFE:
            raise Refused("transaction's expiration is too far in the future", "transaction expiration exception")
        if expiration <= self.head.time:
            raise Refused("transaction has expired", "transaction expiration exception")
        number = self.head.number & ~0xFFFF | int(raw["ref_block_num"])
        number -= 0x10000 if number > self.head.number else 0
        if not 0 <= number < len(self.blocks):
            raise Refused("transaction tapos exception", "transaction tapos exception")
        identity = bytes.fromhex(self.blocks[number].identity)
        if int.from_bytes(identity[4:8], "little") != int(raw["ref_block_prefix"]):
            raise Refused("transaction tapos exception", "transaction tapos exception")

    def _apply(self, state: State, transaction: Transaction) -> list[list[Operation]]:
        now = self.head.time
        state.recent[transaction.txid] = seconds(transaction.raw["expiration"])
        return [execute.perform(state, operation, now) for operation in transaction.operations]

    def _produce(self) -> Block:
        now, witness = self._next_moment(), self._witness()
        state = self.head.state.copy()
        state.recent = {txid: until for txid, until in state.recent.items() if until > self.head.time}
        taken: list[Transaction] = []
        virtual: list[Virtual] = []
        for waiting in self.pool:
            attempt = state.copy()
            try:
                self._check(attempt, waiting)
                effects = self._apply(attempt, waiting)
            except Refused:
                continue
            state = attempt
            flat = [(place, effect) for place, several in enumerate(effects) for effect in several]
            virtual += [Virtual(effect, len(taken), place + 1) for place, effect in flat]
            taken.append(waiting)
        self.pool.clear()
        own = execute.end_of_block(state, now, witness.name)
        virtual += [Virtual(effect, None, place) for place, effect in enumerate(own, 1)]
        header = {
            "previous": self.head.identity,
            "timestamp": _text(now),
            "witness": witness.name,
            "transaction_merkle_root": digest.merkle_root([one.leaf for one in taken]),
            "extensions": [],
        }
        signature = wallet.sign(_there(digest.header(header)), witness.secret("signing"))
        number = self.head.number + 1
        return Block(
            number=number,
            header=header,
            signature=signature,
            identity=_there(digest.block_id({**header, "witness_signature": signature})),
            key=witness.public("signing", self.prefix),
            transactions=tuple(taken),
            virtual=tuple(virtual),
            irreversible=max(self.head.irreversible, number - self.irreversible_after, 0),
            time=now,
            state=state,
        )

    def _witness(self) -> wallet.Keys:
        """Return who produces the next block; another one on each fork."""
        name = f"witness-{(self.head.number + 7 * self.fork) % WITNESSES:02}"
        return wallet.Keys(name, "password of a witness")

    def _next_moment(self) -> int:
        if self.next_time is not None:
            moment, self.next_time = max(self.next_time, self.head.time + 1), None
            return moment
        if self.clock is not None:
            return max(self.head.time + 1, int(self.clock().timestamp()))
        return self.head.time + self.block_seconds

    def _new_account(self, name: str, created: int) -> Account:
        keys = self.keys.setdefault(name, wallet.Keys(name, f"password of {name}"))
        owner, active, posting = (
            Authority.single(keys.public(role, self.prefix)) for role in ("owner", "active", "posting")
        )
        memo_key = keys.public("memo", self.prefix)
        return Account(name=name, owner=owner, active=active, posting=posting, memo_key=memo_key, created=created)


def _coins(units: int, nai: str) -> Amount:
    return Amount(nai=nai, units=units)


def _there(value: T | None) -> T:
    assert value is not None
    return value


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()
