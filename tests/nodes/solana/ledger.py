"""The chain itself: slots and blocks, what waits, what was undone by a fork, and what each commitment level shows.

Nothing moves unless `mine` is called. A fork drops the newest blocks and puts every account back to what it was;
transactions of dropped blocks may be sent again, as on a real cluster.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from chains import base58
from tests.nodes.solana.execution import SYSTEM, Landed, RejectedError, execute, uses_nonce, verified
from tests.nodes.solana.tokens import TOKEN

REFERENCE = "UsherLocaLnet1111111111111111111"
"""CAIP-2 reference of the local chain: the first 32 characters of its genesis hash."""
GENESIS = REFERENCE + "1" * 11
STARTED = 1_795_176_000
"""2026-11-20 12:00 UTC, the moment of the tests."""
SLOT_MILLISECONDS = 400
LONGEST_AGE = 150
"""Blocks for which a blockhash may be used (MAX_PROCESSING_AGE)."""
NONCE_VALUE = slice(40, 72)
"""Where a nonce account keeps its value: behind version, state and authority."""
SYSVAR = Pubkey.from_string("Sysvar1111111111111111111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
FAUCET = 10**18
"""Lamports that airdrops come from."""
WRAPPED = Pubkey.from_string("So11111111111111111111111111111111111111112")
WRAPPED_DATA = bytes(44) + bytes([9, 1]) + bytes(36)
"""The mint of wrapped SOL, which every cluster has from its beginning: nine decimals, initialized, nobody's."""
RENT_OF_A_MINT = 1_461_600


@dataclass(kw_only=True, slots=True)
class Block:
    """A block, and what its accounts were before it."""

    slot: int
    parent: int  # slot
    height: int
    hash: str
    previous: str
    time: int
    landed: list[Landed] = field(default_factory=list)
    undo: dict[Pubkey, Account | None] = field(default_factory=dict)


class Ledger:
    """One cluster as one node sees it."""

    def __init__(
        self,
        *,
        finality: int = 32,
        confirmed: int = 0,
        started: int = STARTED,
        slot_milliseconds: int = SLOT_MILLISECONDS,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Take how many confirmations make a block final, and how many blocks `confirmed` is behind the newest."""
        self.finality = finality
        self.confirmed = confirmed
        self.milliseconds = started * 1000  # the time of the newest block
        self._step = slot_milliseconds
        self._clock = clock  # seconds; None: every slot takes as long as the last
        self.faucet = Keypair.from_seed(hashlib.sha256(b"faucet").digest())
        self.svm = LiteSVM().with_blockhash_check(False).with_transaction_history(0).with_sigverify(False)
        self.svm.set_account(self.faucet.pubkey(), Account(FAUCET, b"", SYSTEM))
        self.svm.set_account(WRAPPED, Account(RENT_OF_A_MINT, WRAPPED_DATA, TOKEN))
        self.pool: list[VersionedTransaction] = []
        self.dropped: dict[str, str] = {}  # by signature: why it never landed
        self._skipped = 0
        self._serial = 0
        self._by_signature: dict[str, tuple[Block, int]] = {}
        self._by_address: defaultdict[str, list[tuple[Block, int]]] = defaultdict(list)
        genesis = Block(slot=0, parent=0, height=0, hash=GENESIS, previous=str(Hash.default()), time=started)
        self.blocks = [genesis]
        self._set_sysvars(0)

    # --- moving on -----------------------------------------------------------------------------------------

    def mine(self, blocks: int = 1) -> None:
        """Make blocks; the first takes everything that waits."""
        for _ in range(blocks):
            self._mine()

    def skip(self, slots: int = 1) -> None:
        """Leave so many slots without a block before the next one."""
        self._skipped += slots

    def pass_time(self, seconds: int) -> None:
        """Let the next block be so much later."""
        self.milliseconds += seconds * 1000

    def fork(self, depth: int = 1, *, keep: bool = False) -> None:
        """Drop the newest blocks. Their transactions are forgotten, or (`keep`) wait again."""
        for _ in range(depth):
            block = self.blocks.pop()
            for key, account in block.undo.items():
                self.svm.set_account(key, account or Account(0, b"", SYSTEM))
            for landed in block.landed:
                del self._by_signature[landed.signature]
                for key in set(landed.keys):
                    self._by_address[str(key)].pop()
            if keep:
                self.pool[:0] = [landed.transaction for landed in block.landed]
            self.milliseconds -= self._step * (block.slot - block.parent)
        self._set_sysvars(self.tip.slot)

    def send(self, transaction: VersionedTransaction) -> str:
        """Let a transaction wait for the next block; a second time changes nothing."""
        signature = str(transaction.signatures[0])
        waits = any(str(waiting.signatures[0]) == signature for waiting in self.pool)
        if not waits and signature not in self._by_signature:
            self.pool.append(transaction)
        return signature

    def fault(self, transaction: VersionedTransaction) -> str | None:
        """Return why a transaction could not stand in the next block, before it is run (TransactionError)."""
        if not verified(transaction):
            return "SignatureFailure"
        if str(transaction.signatures[0]) in self._by_signature:
            return "AlreadyProcessed"
        if not self.is_recent(str(transaction.message.recent_blockhash)) and not self._has_nonce(transaction):
            return "BlockhashNotFound"
        return None

    def is_recent(self, blockhash: str) -> bool:
        """Whether a blockhash may be used in the next block."""
        return any(block.hash == blockhash for block in self.blocks[-LONGEST_AGE - 1 :])

    # --- looking -------------------------------------------------------------------------------------------

    @property
    def tip(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    def newest(self, commitment: str, lag: int = 0) -> Block:
        """Return the newest block at a commitment level, for an endpoint that has not seen the last `lag` blocks."""
        back = {"processed": 0, "confirmed": self.confirmed, "finalized": self.finality - 1}[commitment]
        return self.blocks[max(0, len(self.blocks) - 1 - lag - back)]

    def at(self, slot: int) -> Block | None:
        """Return the block in a slot."""
        low, high = 0, len(self.blocks)
        while low < high:
            middle = (low + high) // 2
            if self.blocks[middle].slot < slot:
                low = middle + 1
            else:
                high = middle
        return self.blocks[low] if low < len(self.blocks) and self.blocks[low].slot == slot else None

    def find(self, signature: str) -> tuple[Block, int] | None:
        """Return where a transaction stands."""
        return self._by_signature.get(signature)

    def history(self, address: str) -> Iterator[tuple[Block, int]]:
        """Yield the transactions that name an address, newest first."""
        return reversed(self._by_address.get(address, []))

    def account(self, key: Pubkey, slot: int) -> Account | None:
        """Return an account as it was after the block in a slot."""
        if key == CLOCK and (block := self.at(slot)) is not None:
            return Account(1, struct.pack("<QqQQq", block.slot, STARTED, 0, 0, block.time), SYSVAR)
        was: Account | None = None
        found = False
        for block in reversed(self.blocks):
            if block.slot <= slot:
                break
            if key in block.undo:
                was, found = block.undo[key], True
        return was if found else self.svm.get_account(key)

    def program_accounts(self, program: Pubkey, slot: int) -> Iterator[tuple[Pubkey, Account]]:
        """Yield the accounts that a program owned after the block in a slot, by address."""
        keys = {key for key, _ in self.svm.get_program_accounts(program)}
        keys |= {key for block in self.blocks if block.slot > slot for key in block.undo}
        for key in sorted(keys, key=str):
            account = self.account(key, slot)
            if account is not None and account.owner == program:
                yield key, account

    # --- within --------------------------------------------------------------------------------------------

    def _mine(self) -> None:
        below = self.tip
        slot = below.slot + 1 + self._skipped
        self._skipped = 0
        now = None if self._clock is None else self._clock() * 1000
        self.milliseconds = now if now is not None else self.milliseconds + self._step * (slot - below.slot)
        self._serial += 1
        block = Block(
            slot=slot,
            parent=below.slot,
            height=below.height + 1,
            hash=base58.encode(hashlib.sha256(f"{below.hash}|{slot}|{self._serial}".encode()).digest()),
            previous=below.hash,
            time=self.milliseconds // 1000,
        )
        self.svm.expire_blockhash()  # a nonce advances once per block
        self.blocks.append(block)
        self._set_sysvars(slot)
        waiting, self.pool = self.pool, []
        for transaction in waiting:
            self._run(transaction, block)

    def _run(self, transaction: VersionedTransaction, block: Block) -> None:
        signature = str(transaction.signatures[0])
        if (fault := self.fault(transaction)) is not None:
            self.dropped[signature] = fault
            return

        def before(keys: Sequence[Pubkey]) -> None:
            for key in keys:
                account = self.svm.get_account(key)
                fixed = account is not None and (account.executable or account.owner == SYSVAR)
                if key not in block.undo and not fixed:
                    block.undo[key] = account

        try:
            landed = execute(self.svm, transaction, before)
        except RejectedError as rejected:
            self.dropped[signature] = str(rejected.err)
            return
        self.dropped.pop(signature, None)
        place = len(block.landed)
        block.landed.append(landed)
        self._by_signature[signature] = (block, place)
        for key in set(landed.keys):
            self._by_address[str(key)].append((block, place))

    def _has_nonce(self, transaction: VersionedTransaction) -> bool:
        key = uses_nonce(transaction)
        account = None if key is None else self.svm.get_account(key)
        if account is None or account.owner != SYSTEM:
            return False
        return bytes(account.data[NONCE_VALUE]) == bytes(transaction.message.recent_blockhash)

    def _set_sysvars(self, slot: int) -> None:
        self.svm.warp_to_slot(slot)
        self.svm.set_clock(Clock(slot, STARTED, 0, 0, self.milliseconds // 1000))
        hashes = [(block.slot, Hash.from_string(block.hash)) for block in reversed(self.blocks[-513:-1])]
        self.svm.set_slot_hashes(hashes)
