"""The Solana emulation as tests use it: a ledger, hands that sign transactions on it, and a source before it."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from solders.address_lookup_table_account import AddressLookupTable, AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, MessageV1, TransactionConfig
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    CreateAccountParams,
    CreateLookupTableParams,
    ExtendLookupTableParams,
    InitializeNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_account,
    create_lookup_table,
    extend_lookup_table,
    initialize_nonce_account,
    transfer,
)
from solders.transaction import VersionedTransaction
from spl.token import instructions as spl
from spl.token.models import (
    InitializeMint2Params,
    InitializeTransferFeeConfigParams,
    MintToParams,
    TransferCheckedParams,
)

from chains.failover import Endpoints
from chains.rpc import Endpoint, Observer, ignore
from chains.solana.source import SLOTS_PER_POLL, TRANSACTIONS_PER_POLL, SolanaSource
from chains.solana.transport import SolanaTransport, identify
from config.loader import load_registry
from config.registry import Asset, Chain
from tests.nodes.solana.execution import SYSTEM
from tests.nodes.solana.ledger import NONCE_VALUE, Ledger
from tests.nodes.solana.server import Server, serving
from tests.nodes.solana.tokens import MINT_SIZE, TOKEN
from tests.support.natures import FINALITY

CHAIN = "solana:UsherLocaLnet1111111111111111111"
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
OLD_MEMO = Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
SOL = 10**9
RENT = 890_880
"""Lamports that keep an empty account alive."""
_FEE_MINT_SIZE = 278  # with the transfer fee's extension


@dataclass(slots=True)
class Hands:
    """Signs and sends ordinary transactions. They wait until the ledger mines."""

    ledger: Ledger
    payer: Keypair = field(default_factory=Keypair)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def fund(self, *keys: Pubkey, lamports: int = 100 * SOL) -> None:
        """Give coins out of the faucet."""
        faucet = self.ledger.faucet
        for key in keys:
            self.send(_give(faucet.pubkey(), key, lamports), payer=faucet)

    def sign(
        self,
        *calls: Instruction,
        payer: Keypair | None = None,
        signers: Sequence[Keypair] = (),
        tables: Sequence[AddressLookupTableAccount] = (),
        version: int | None = 0,
        nonce: Pubkey | None = None,
    ) -> VersionedTransaction:
        """Return a signed transaction, unlike any other. Version None: the legacy one. `nonce`: instead of a blockhash.

        Of two transactions with one value of a nonce, one is done.
        """
        payer = payer or self.payer
        unlike = set_compute_unit_limit(300_000 + next(self.numbers))
        recent = Hash.from_string(self.ledger.newest("finalized").hash)
        if nonce is not None:
            account = self.ledger.svm.get_account(nonce)
            assert account is not None
            recent = Hash(bytes(account.data)[NONCE_VALUE])
            advanced = AdvanceNonceAccountParams(nonce_pubkey=nonce, authorized_pubkey=payer.pubkey())
            calls = (advance_nonce_account(advanced), *calls)
        message: Message | MessageV0 | MessageV1
        if version is None:
            message = Message.new_with_blockhash([*calls, unlike], payer.pubkey(), recent)
        elif version == 0:
            message = MessageV0.try_compile(payer.pubkey(), [*calls, unlike], [*tables], recent)
        else:  # what a compute budget says stands in the message's own fields
            config = TransactionConfig(compute_unit_limit=300_000 + next(self.numbers))
            message = MessageV1.try_compile(payer.pubkey(), [*calls], recent, config)
        return VersionedTransaction(message, [payer, *signers])

    def send(self, *calls: Instruction, payer: Keypair | None = None, signers: Sequence[Keypair] = ()) -> str:
        """Sign and send, and return the transaction's id."""
        return self.ledger.send(self.sign(*calls, payer=payer, signers=signers))

    def done(self, *calls: Instruction, payer: Keypair | None = None, signers: Sequence[Keypair] = ()) -> str:
        """Send, and see it succeed in the next block."""
        txid = self.send(*calls, payer=payer, signers=signers)
        self.ledger.mine()
        found = self.ledger.find(txid)
        assert found is not None, self.ledger.dropped.get(txid)
        assert found[0].landed[found[1]].err is None, found[0].landed[found[1]].logs
        return txid

    def give(self, to: Pubkey | str, lamports: int, *references: str) -> Instruction:
        """Return a transfer of coins, with references as Solana Pay adds them."""
        call = _give(self.payer.pubkey(), Pubkey.from_string(str(to)), lamports)
        named = [AccountMeta(Pubkey.from_string(key), is_signer=False, is_writable=False) for key in references]
        return Instruction(call.program_id, bytes(call.data), [*call.accounts, *named])

    def nonces(self, count: int) -> list[Pubkey]:
        """Open nonce accounts."""
        keys = [Keypair() for _ in range(count)]
        for key in keys:
            opened = CreateAccountParams(
                from_pubkey=self.payer.pubkey(), to_pubkey=key.pubkey(), lamports=2 * SOL, space=80, owner=SYSTEM
            )
            first = InitializeNonceAccountParams(nonce_pubkey=key.pubkey(), authority=self.payer.pubkey())
            self.send(create_account(opened), initialize_nonce_account(first), signers=[key])
        self.ledger.mine()
        return [key.pubkey() for key in keys]

    # --- tokens --------------------------------------------------------------------------------------------

    def mint(self, decimals: int = 6, program: Pubkey = TOKEN, *, fee_bps: int | None = None) -> Pubkey:
        """Make a kind of token, with a fee on transfers where one is named (Token-2022)."""
        key, own = Keypair(), self.payer.pubkey()
        size = MINT_SIZE if fee_bps is None else _FEE_MINT_SIZE
        opened = CreateAccountParams(
            from_pubkey=own,
            to_pubkey=key.pubkey(),
            lamports=self.ledger.svm.minimum_balance_for_rent_exemption(size),
            space=size,
            owner=program,
        )
        calls = [create_account(opened)]
        if fee_bps is not None:
            fee = InitializeTransferFeeConfigParams(
                program_id=program,
                mint=key.pubkey(),
                transfer_fee_config_authority=own,
                withdraw_withheld_authority=own,
                transfer_fee_basis_points=fee_bps,
                maximum_fee=10**15,
            )
            calls.append(spl.initialize_transfer_fee_config(fee))
        first = InitializeMint2Params(decimals=decimals, program_id=program, mint=key.pubkey(), mint_authority=own)
        self.done(*calls, spl.initialize_mint2(first), signers=[key])
        return key.pubkey()

    def account(self, owner: Pubkey, mint: Pubkey, program: Pubkey = TOKEN) -> Pubkey:
        """Return where a wallet's tokens lie, whether or not there is anything yet."""
        return spl.get_associated_token_address(owner, mint, program)

    def opened(self, owner: Pubkey, mint: Pubkey, program: Pubkey = TOKEN) -> Instruction:
        """Return what opens a wallet's token account, unless it is open."""
        return spl.create_idempotent_associated_token_account(self.payer.pubkey(), owner, mint, program)

    def stock(self, mint: Pubkey, amount: int, program: Pubkey = TOKEN) -> Pubkey:
        """Make tokens for the payer, and return where they lie."""
        own = self.payer.pubkey()
        account = self.account(own, mint, program)
        made = MintToParams(program_id=program, mint=mint, dest=account, mint_authority=own, amount=amount)
        self.done(self.opened(own, mint, program), spl.mint_to(made))
        return account

    def pass_on(self, mint: Pubkey, to: Pubkey, amount: int, program: Pubkey = TOKEN, decimals: int = 6) -> Instruction:
        """Return a transfer of tokens between two token accounts."""
        own = self.payer.pubkey()
        moved = TransferCheckedParams(
            program_id=program,
            source=self.account(own, mint, program),
            mint=mint,
            dest=to,
            owner=own,
            amount=amount,
            decimals=decimals,
        )
        return spl.transfer_checked(moved)

    def table(self, *addresses: Pubkey) -> AddressLookupTableAccount:
        """Make a lookup table."""
        own = self.payer.pubkey()
        self.ledger.mine()
        recent = self.ledger.blocks[-2].slot
        made, key = create_lookup_table(
            CreateLookupTableParams(authority_address=own, payer_address=own, recent_slot=recent)
        )
        extended = ExtendLookupTableParams(
            lookup_table_address=key, authority_address=own, payer_address=own, new_addresses=[*addresses]
        )
        self.done(made)
        self.done(extend_lookup_table(extended))
        account = self.ledger.svm.get_account(key)
        assert account is not None
        return AddressLookupTableAccount(key, AddressLookupTable.deserialize(bytes(account.data)).addresses)


def memo(text: str | bytes, program: Pubkey = MEMO) -> Instruction:
    """Return a memo."""
    return Instruction(program, text if isinstance(text, bytes) else text.encode(), [])


def hands(ledger: Ledger) -> Hands:
    """Return hands with coins to spend."""
    ready = Hands(ledger)
    ready.fund(ready.payer.pubkey(), lamports=10_000 * SOL)
    ledger.mine()
    return ready


def wallet(held: Hands) -> Pubkey:
    """Return the address of a new wallet that is alive, so that any amount can be sent to it."""
    key = Keypair().pubkey()
    held.done(held.give(key, RENT))
    return key


def solana_chain(*mints: Pubkey, finality: int = FINALITY) -> Chain:
    """Return the shipped local chain with a shallow finality and tokens of a test."""
    chain = load_registry().chain(CHAIN)
    assert chain is not None
    tokens = tuple(
        Asset(id=f"{CHAIN}/token:{mint}", chain=CHAIN, ticker=f"COIN{number}", decimals=6, contract=str(mint))
        for number, mint in enumerate(mints)
    )
    return replace(chain, finality=replace(chain.finality, blocks=finality), tokens=tokens)


def solana_source(
    chain: Chain,
    *urls: str,
    observer: Observer = ignore,
    agree_above: Mapping[str, int] | None = None,
    slots_per_poll: int = SLOTS_PER_POLL,
    transactions_per_poll: int = TRANSACTIONS_PER_POLL,
) -> SolanaSource:
    """Return a source over these endpoints."""
    endpoints = [
        Endpoint(chain=chain.id, index=index, transport=SolanaTransport(url), identify=identify, observer=observer)
        for index, url in enumerate(urls)
    ]
    return SolanaSource(
        chain,
        Endpoints(endpoints),
        agree_above=agree_above,
        slots_per_poll=slots_per_poll,
        transactions_per_poll=transactions_per_poll,
    )


@asynccontextmanager
async def solana_node(finality: int = FINALITY, confirmed: int = 0) -> AsyncIterator[Server]:
    """Serve a new ledger."""
    async with serving(Ledger(finality=finality, confirmed=confirmed)) as server:
        yield server


def _give(sender: Pubkey, to: Pubkey, lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=sender, to_pubkey=to, lamports=lamports))
