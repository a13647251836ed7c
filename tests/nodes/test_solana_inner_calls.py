"""Transfers that a program makes by calling another one, executed by Solana's own runtime: inner instructions.

The program is the one of associated token accounts, asked to recover tokens from where nobody can reach them: from an
account whose owner is itself a token account. It calls the token program to transfer them, and again to close the rest.
"""

from dataclasses import dataclass

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from spl.token import instructions as spl
from spl.token.constants import ASSOCIATED_TOKEN_PROGRAM_ID
from spl.token.models import AuthorityType, HarvestWithheldTokensToMintParams, SetAuthorityParams

from chains.port import Watch
from chains.solana import parse
from chains.solana.ours import Ours
from chains.solana.transaction import Executed, Transfer, read
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import answer
from tests.nodes.solana.tokens import TOKEN, TOKEN_2022
from tests.support.chains_drivers import follow
from tests.support.solana_node import CHAIN, SOL, Hands, hands, memo, solana_chain, solana_node, solana_source

ENCODINGS = ("json", "jsonParsed", "base64", "base58")
RECOVER_NESTED = bytes([2])


@dataclass(frozen=True, kw_only=True)
class Stranded:
    """Tokens in an account that a token account owns."""

    hands: Hands
    wallet: Keypair  # whose token account owns it
    mint: Pubkey
    of: Pubkey  # the mint of the token account that owns it
    program: Pubkey

    @property
    def owner(self) -> Pubkey:
        return self.hands.account(self.wallet.pubkey(), self.of, self.program)

    @property
    def source(self) -> Pubkey:
        return self.hands.account(self.owner, self.mint, self.program)

    @property
    def way_out(self) -> Pubkey:
        return self.hands.account(self.wallet.pubkey(), self.mint, self.program)

    def recovered(self) -> Instruction:
        """Return what brings them to the wallet's own token account."""
        accounts = [
            AccountMeta(self.source, is_signer=False, is_writable=True),
            AccountMeta(self.mint, is_signer=False, is_writable=False),
            AccountMeta(self.way_out, is_signer=False, is_writable=True),
            AccountMeta(self.owner, is_signer=False, is_writable=False),
            AccountMeta(self.of, is_signer=False, is_writable=False),
            AccountMeta(self.wallet.pubkey(), is_signer=True, is_writable=True),
            AccountMeta(self.program, is_signer=False, is_writable=False),
        ]
        return Instruction(ASSOCIATED_TOKEN_PROGRAM_ID, RECOVER_NESTED, accounts)


def stranded(held: Hands, amount: int, *, program: Pubkey = TOKEN, fee_bps: int | None = None) -> Stranded:
    """Strand some tokens, of which a fee is kept back if one is named."""
    made = Stranded(
        hands=held,
        wallet=Keypair(),
        mint=held.mint(program=program, fee_bps=fee_bps),
        of=held.mint(program=program),
        program=program,
    )
    held.stock(made.mint, 10**9, program)
    held.done(held.give(made.wallet.pubkey(), SOL), held.opened(made.wallet.pubkey(), made.of, program))
    held.done(
        held.opened(made.wallet.pubkey(), made.mint, program),
        spl.create_associated_token_account(
            held.payer.pubkey(), made.owner, made.mint, program
        ),
        held.pass_on(made.mint, made.source, amount, program),
    )  # fmt: skip
    return made


def told(ledger, txid, encoding):
    options = {"encoding": encoding, "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    return answer(Node(ledger), "getTransaction", [txid, options])


def seen(ledger, txid, ours, mint):
    """Return what was seen of a transaction: the same in every encoding."""
    watched = Ours.of(Watch(active=frozenset({str(ours)})), solana_chain(mint))
    in_all = []
    for encoding in ENCODINGS:
        executed = read(told(ledger, txid, encoding))
        assert isinstance(executed, Executed), executed
        in_all.append(parse.payments_in(executed, watched, None))
    assert in_all == [in_all[0]] * len(ENCODINGS)
    return in_all[0]


@pytest.fixture
def ledger():
    return Ledger()


@pytest.fixture
def held(ledger):
    return hands(ledger)


def handed_to(ours, made):
    """Make a wallet of ours the owner of the account that the tokens come out to."""
    params = SetAuthorityParams(
        program_id=TOKEN, account=made.way_out, authority=AuthorityType.ACCOUNT_OWNER,
        current_authority=made.wallet.pubkey(), new_authority=ours,
    )  # fmt: skip
    made.hands.done(spl.set_authority(params), signers=[made.wallet])


def test_what_a_program_transfers_for_a_stranger_is_a_payment_named_by_its_place(ledger, held):
    ours = Keypair().pubkey()
    made = stranded(held, 40)
    handed_to(ours, made)
    txid = held.done(memo("event:7:wallet:alice"), made.recovered(), signers=[made.wallet])
    inner = told(ledger, txid, "json")["meta"]["innerInstructions"]
    assert [(group["index"], len(group["instructions"])) for group in inner] == [(1, 2)]
    [payment] = seen(ledger, txid, ours, made.mint)
    assert (payment.key.index, payment.amount, payment.asset) == ("1.0", 40, f"{CHAIN}/token:{made.mint}")
    assert (payment.destination, payment.sender) == (str(ours), str(made.owner))
    assert (payment.direct, payment.internal, payment.memos) == (False, False, ("event:7:wallet:alice",))


def test_a_transfer_beside_it_is_another_payment_in_the_order_of_their_places(ledger, held):
    ours = Keypair().pubkey()
    made = stranded(held, 40)
    handed_to(ours, made)
    txid = held.done(made.recovered(), held.pass_on(made.mint, made.way_out, 2), signers=[made.wallet])
    payments = seen(ledger, txid, ours, made.mint)
    assert [(payment.key.index, payment.amount) for payment in payments] == [("0.0", 40), ("1", 2)]


def test_of_a_token_with_a_fee_what_arrived_by_such_a_call_counts(ledger, held):
    made = stranded(held, 10_000, program=TOKEN_2022, fee_bps=100)
    kept_back = HarvestWithheldTokensToMintParams(program_id=TOKEN_2022, mint=made.mint, sources=[made.source])
    txid = held.done(spl.harvest_withheld_tokens_to_mint(kept_back), made.recovered(), signers=[made.wallet])
    ours = made.wallet.pubkey()  # which signed, so that it is our own money that moved
    transferred = next(payment for payment in seen(ledger, txid, ours, made.mint) if payment.key.index == "1.0")
    assert (transferred.amount, transferred.internal) == (9_801, True)  # a fee on the way in, and one on the way out


def test_of_a_transaction_that_fails_no_such_call_counts(ledger, held):
    ours = Keypair().pubkey()
    made = stranded(held, 40)
    handed_to(ours, made)
    too_much = held.pass_on(made.mint, made.way_out, 10**12)
    txid = ledger.send(held.sign(made.recovered(), too_much, signers=[made.wallet]))
    ledger.mine()
    outcome = told(ledger, txid, "json")["meta"]
    assert outcome["err"] is not None
    assert outcome["innerInstructions"]
    assert seen(ledger, txid, ours, made.mint) == ()


def test_without_the_inner_calls_nobody_could_say_who_paid(ledger, held):
    ours = Keypair().pubkey()
    made = stranded(held, 40)
    handed_to(ours, made)
    answered = told(ledger, held.done(made.recovered(), signers=[made.wallet]), "json")
    answered["meta"]["innerInstructions"] = []
    executed = read(answered)
    assert not any(isinstance(action, Transfer) for action in executed.actions)
    watched = Ours.of(Watch(active=frozenset({str(ours)})), solana_chain(made.mint))
    [payment] = parse.payments_in(executed, watched, None)
    assert payment.key.index.startswith("internal.")
    assert (payment.amount, payment.sender) == (40, None)


async def test_a_source_finds_it_and_it_becomes_final_once():
    async with solana_node() as server:
        held = hands(server.ledger)
        made = stranded(held, 40)
        ours = Keypair().pubkey()
        handed_to(ours, made)
        source = solana_source(solana_chain(made.mint), server.url)
        watch = Watch(active=frozenset({str(ours)}))
        checkpoint = await source.start()
        txid = held.done(made.recovered(), signers=[made.wallet])
        server.ledger.mine(40)
        final, sweep = await follow(source, checkpoint, watch)
        await source.aclose()
    assert [(payment.key.txid, payment.key.index, payment.amount) for payment in final] == [(txid, "0.0", 40)]
    assert sweep.pending == ()
