"""What every chain offers to the watcher, and the values that cross that door. No family's own terms stand here.

Requirements on an implementer
------------------------------
1. `poll` is the only call that moves forward, and it keeps nothing: all memory is in the checkpoint it returns. Polling
   twice from one checkpoint is allowed at any time (the process was killed before it could commit) and must report the
   same final payments.
2. Every payment to a watched address is reported: above finality in `pending` on each poll while it stands there, and
   exactly once in `final`, in order of height and position. Nothing is skipped: an unreadable block is an error. What
   waits in a pool, or in a block but cannot be spent yet (a coinbase, a time lock), is pending in no block; it becomes
   final, in its own block, when it can be spent and that block is final.
3. `gone` needs proof: another block stands at that height in a chain at least as good, or a conflicting transaction was
   mined. Absence proves nothing. A payment that returns is reported as pending again. A payment's facts may change with
   its block until it is final: the newest report holds, and where another one stood before, its key is in `gone` too.
4. An endpoint behind our tip is a `TransientError`. A final block that changed is a `DeepReorgError`.
5. Answers are checked before they are believed: hash, parent, height, chain id. Adapters translate every foreign error.
   Above the value where two endpoints must agree on a block, its payments are reported as in none until they do.
6. Values of our own transactions are reported with `internal=True`; deciding what they mean is not the adapter's work.
7. What was reported as pending is looked for until it is final or gone, even if the watch or the assets have shrunk.
8. `final_height` is a promise: at and below it nothing is left to be reported but what cannot be spent yet. A pending
   payment in a block at or below it that is not final in the same sweep counts as proved gone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class PaymentKey:
    """What a payment is known by, for ever: its place within a transaction, never within a block."""

    chain: str  # CAIP-2
    txid: str  # as the chain's own tools print it
    index: str  # family's own: EVM `v`, a log's ordinal or `internal`; Bitcoin vout; Solana outer.inner; …

    @property
    def payment_id(self) -> str:
        """Return the public id: 128 bits of SHA-256 over the key, in hex."""
        return hashlib.sha256(f"{self.chain}|{self.txid}|{self.index}".encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Where on its chain something stands."""

    height: int
    hash: str
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A transaction in which a node's trace saw a payment's value move: a remark by which people find it, no fact."""

    txid: str  # lower case
    sender: str  # who handed it on last: a contract as a rule, so never where money goes back to


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """One movement of value to us, as the chain tells it."""

    key: PaymentKey
    asset: str  # CAIP-19
    amount: int  # smallest unit, above zero
    destination: str  # our address, in the family's canonical spelling
    sender: str | None  # where it came from, if the chain says so beyond doubt
    memos: tuple[str, ...]  # every text that travelled with it, undecided
    block: Block | None  # None: seen, not yet in a block that counts
    direct: bool = True  # EVM native: the transaction's own value and sender, so that `sender` may claim it
    internal: bool = False  # moved between our own accounts: booked, never settled
    references: tuple[str, ...] = ()  # watched keys that travelled along to name an order (Solana Pay), as watched
    noted: tuple[Note, ...] = field(default=(), compare=False)  # with other notes it is still the same payment


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """A payment that can still change."""

    payment: Payment
    confirmations: int  # 0: in no block that counts; 1: in the newest block


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """The addresses whose payments are ours. It only grows: an address is retired, never forgotten.

    On a family whose orders are found by a reference, the references stand here among the addresses.
    """

    active: frozenset[str]
    retired: frozenset[str] = frozenset()  # still looked at, at the latest when a block becomes final

    def __contains__(self, address: object) -> bool:
        """Whether a payment to this address (canonical spelling) is ours."""
        return address in self.active or address in self.retired


@dataclass(frozen=True, kw_only=True, slots=True)
class Tip:
    """The newest block of the chain as it was polled."""

    height: int
    hash: str
    time: datetime


Checkpoint = Mapping[str, JsonValue]
"""How far a chain has been read; opaque to everyone but its family; JSON, so that it can be stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """What one poll found out."""

    final: tuple[Payment, ...]  # below finality, each exactly once, in order
    pending: tuple[Pending, ...]  # all that stands above finality now
    gone: tuple[PaymentKey, ...]  # proved replaced since the checkpoint
    tip: Tip
    final_height: int  # everything at or below is final
    checkpoint: Checkpoint
    behind: bool = False  # more is ready to be read: poll again at once


class ChainSource(Protocol):
    """One chain as the watcher sees it. The module's Requirements bind every implementation."""

    @property
    def chain(self) -> str:
        """CAIP-2 id."""

    async def start(self, height: int | None = None) -> Checkpoint:
        """Return the checkpoint to begin with on a chain never read before: `height`, or the present tip."""

    async def poll(self, checkpoint: Checkpoint, watch: Watch) -> Sweep:
        """Return what happened since the checkpoint. Raises TransientError or PersistentError, nothing else."""

    async def aclose(self) -> None:
        """Let go of connections. Safe to call twice."""
