"""What counts as a payment on Solana: real transactions, executed, and told by the node in every encoding it has."""

from dataclasses import replace

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountParams,
    TransferParams,
    TransferWithSeedParams,
    create_account,
    transfer,
    transfer_with_seed,
)
from spl.token import instructions as spl
from spl.token.models import (
    AuthorityType,
    CloseAccountParams,
    HarvestWithheldTokensToMintParams,
    InitializeAccount3Params,
    MintToParams,
    SetAuthorityParams,
    SyncNativeParams,
    WithdrawWithheldTokensFromMintParams,
)
from spl.token.models import (
    TransferParams as TokenTransferParams,
)

from chains.port import Watch
from chains.solana.ours import Ours
from chains.solana.parse import payments_in
from chains.solana.reference import references
from chains.solana.transaction import Executed, read
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import answer
from tests.nodes.solana.tokens import TOKEN, TOKEN_2022
from tests.support.solana_node import CHAIN, MEMO, OLD_MEMO, RENT, SOL, hands, memo, solana_chain

ENCODINGS = ("json", "jsonParsed", "base64", "base58")
COIN = f"{CHAIN}/slip44:501"
ORDERS = references(b"secret of the tests", CHAIN, 0, 3)
WRAPPED = Pubkey.from_string("So11111111111111111111111111111111111111112")


class World:
    """A ledger, somebody who pays, and a wallet of ours."""

    def __init__(self):
        self.ledger = Ledger()
        self.hands = hands(self.ledger)
        self.buyer = self.hands.payer.pubkey()
        self.key = Keypair()
        self.ours = self.key.pubkey()
        self.hands.done(self.hands.give(self.ours, RENT))
        self.mints = []
        self.watch = Watch(active=frozenset({str(self.ours), *ORDERS}))

    def token(self, program=TOKEN, *, fee_bps=None, stock=10**9):
        """Make an accepted token, of which the buyer has some."""
        mint = self.hands.mint(program=program, fee_bps=fee_bps)
        self.hands.stock(mint, stock, program)
        self.mints.append(mint)
        return mint

    def told(self, txid, encoding="base64"):
        """What a node answers of a transaction."""
        options = {"encoding": encoding, "commitment": "confirmed", "maxSupportedTransactionVersion": 1}
        return answer(Node(self.ledger), "getTransaction", [txid, options])

    def payments(self, txid, encoding="base64"):
        """The payments in it."""
        executed = read(self.told(txid, encoding))
        assert isinstance(executed, Executed), executed
        return payments_in(executed, Ours.of(self.watch, solana_chain(*self.mints)), None)

    def seen(self, *calls, **more):
        """Send these calls as one transaction, and return what was seen of it: the same in every encoding."""
        txid = self.hands.done(*calls, **more)
        return self.same(txid)

    def same(self, txid):
        in_all = [self.payments(txid, encoding) for encoding in ENCODINGS]
        assert in_all == [in_all[0]] * len(ENCODINGS)
        return in_all[0]


@pytest.fixture
def world():
    return World()


def short(payments):
    return [(payment.key.index, payment.amount) for payment in payments]


def test_a_transfer_of_coins_is_a_payment_from_whoever_signed_it(world):
    [payment] = world.seen(world.hands.give(world.ours, 5))
    assert (payment.key.chain, payment.key.index, payment.asset) == (CHAIN, "0", COIN)
    assert (payment.amount, payment.destination, payment.sender) == (5, str(world.ours), str(world.buyer))
    assert (payment.direct, payment.internal, payment.memos, payment.references) == (True, False, (), ())


@pytest.mark.parametrize("version", [None, 0, 1])
def test_every_version_of_transactions_is_read(world, version):
    transaction = world.hands.sign(memo("v"), world.hands.give(world.ours, 5), version=version)
    txid = world.ledger.send(transaction)
    world.ledger.mine()
    [payment] = world.same(txid)
    assert (payment.key.index, payment.amount, payment.memos) == ("1", 5, ("v",))


def test_several_transfers_are_several_payments_in_the_order_of_their_places(world):
    mint = world.token()
    account = world.hands.account(world.ours, mint)
    payments = world.seen(
        world.hands.opened(world.ours, mint),
        *(world.hands.give(world.ours, amount) for amount in range(1, 11)),
        world.hands.pass_on(mint, account, 7),
        world.hands.pass_on(mint, account, 7),
        world.hands.give(Keypair().pubkey(), SOL),
    )
    assert short(payments) == [(str(place), place) for place in range(1, 11)] + [("11", 7), ("12", 7)]
    assert len({payment.key.payment_id for payment in payments}) == 12


@pytest.mark.parametrize("version", [None, 0])
def test_a_transfer_from_an_address_made_with_a_seed_is_a_payment(world, version):
    seeded = Pubkey.create_with_seed(world.buyer, "savings", Pubkey.default())
    world.hands.done(world.hands.give(seeded, SOL))
    params = TransferWithSeedParams(
        from_pubkey=seeded, from_base=world.buyer, from_seed="savings", from_owner=Pubkey.default(),
        to_pubkey=world.ours, lamports=9,
    )  # fmt: skip
    txid = world.ledger.send(world.hands.sign(transfer_with_seed(params), version=version))
    world.ledger.mine()
    [payment] = world.same(txid)
    assert (payment.key.index, payment.amount, payment.sender, payment.direct) == ("0", 9, str(seeded), False)


# --- memos and references ------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [MEMO, OLD_MEMO], ids=["v2", "v1"])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_memo_of_either_version_is_found_before_and_after_the_transfer(world, program, first):
    calls = [memo("event:7:wallet:alice", program), world.hands.give(world.ours, 5)]
    [payment] = world.seen(*(calls if first else calls[::-1]))
    assert payment.memos == ("event:7:wallet:alice",)


def test_every_memo_travels_with_every_payment_in_their_order(world):
    payments = world.seen(
        memo("one"), world.hands.give(world.ours, 5), memo("two", OLD_MEMO), world.hands.give(world.ours, 6)
    )
    assert [payment.memos for payment in payments] == [("one", "two")] * 2


def test_a_memo_that_is_no_text_is_left_out_and_the_money_is_not(world):
    [payment] = world.seen(memo("a\x01b"), world.hands.give(world.ours, 5), memo("text"))
    assert (payment.amount, payment.memos) == (5, ("text",))


def test_references_that_are_watched_are_named_in_their_order_and_others_are_not(world):
    stranger = str(Pubkey.find_program_address([b"other"], MEMO)[0])
    [payment] = world.seen(world.hands.give(world.ours, 5, ORDERS[2], stranger, ORDERS[0]))
    assert set(payment.references) == {ORDERS[2], ORDERS[0]}
    assert payment.destination == str(world.ours)


def test_a_reference_out_of_a_lookup_table_counts_as_well(world):
    table = world.hands.table(Pubkey.from_string(ORDERS[1]), world.ours)
    world.ledger.mine()
    call = world.hands.give(world.ours, 5, ORDERS[1])
    transaction = world.hands.sign(call, memo("by table"), tables=[table])
    txid = world.ledger.send(transaction)
    world.ledger.mine()
    loaded = world.told(txid, "json")["meta"]["loadedAddresses"]
    assert loaded == {"writable": [str(world.ours)], "readonly": [ORDERS[1]]}
    [payment] = world.same(txid)
    assert (payment.amount, payment.references, payment.memos) == (5, (ORDERS[1],), ("by table",))


# --- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [TOKEN, TOKEN_2022], ids=["token", "token-2022"])
def test_tokens_reach_a_wallet_by_the_account_that_is_opened_in_the_same_transaction(world, program):
    mint = world.token(program)
    account = world.hands.account(world.ours, mint, program)
    [payment] = world.seen(
        world.hands.opened(world.ours, mint, program), world.hands.pass_on(mint, account, 25, program)
    )
    assert (payment.asset, payment.amount, payment.key.index) == (f"{CHAIN}/token:{mint}", 25, "1")
    assert (payment.destination, payment.sender, payment.direct) == (str(world.ours), str(world.buyer), True)


def test_the_plain_form_of_a_token_transfer_counts_too(world):
    mint = world.token()
    source, account = (world.hands.account(owner, mint) for owner in (world.buyer, world.ours))
    plain = TokenTransferParams(program_id=TOKEN, source=source, dest=account, owner=world.buyer, amount=3)
    [payment] = world.seen(world.hands.opened(world.ours, mint), spl.transfer(plain))
    assert (payment.amount, payment.sender) == (3, str(world.buyer))


def test_of_a_token_with_a_fee_what_arrived_counts(world):
    mint = world.token(TOKEN_2022, fee_bps=100)
    account = world.hands.account(world.ours, mint, TOKEN_2022)
    opened = world.hands.opened(world.ours, mint, TOKEN_2022)
    [payment] = world.seen(opened, world.hands.pass_on(mint, account, 1000, TOKEN_2022))
    assert payment.amount == 990
    with_fee = Instruction(  # TransferCheckedWithFee: the payer says what the fee is
        TOKEN_2022,
        bytes([26, 1]) + (1000).to_bytes(8, "little") + bytes([6]) + (10).to_bytes(8, "little"),
        [
            AccountMeta(world.hands.account(world.buyer, mint, TOKEN_2022), is_signer=False, is_writable=True),
            AccountMeta(mint, is_signer=False, is_writable=False),
            AccountMeta(account, is_signer=False, is_writable=True),
            AccountMeta(world.buyer, is_signer=True, is_writable=False),
        ],
    )
    txid = world.hands.done(with_fee)
    [payment] = world.payments(txid)
    assert (payment.amount, payment.key.index, payment.sender) == (990, "0", str(world.buyer))


def test_several_transfers_with_fees_are_one_payment_of_all_that_arrived(world):
    mint = world.token(TOKEN_2022, fee_bps=100)
    account = world.hands.account(world.ours, mint, TOKEN_2022)
    [payment] = world.seen(
        world.hands.opened(world.ours, mint, TOKEN_2022),
        world.hands.pass_on(mint, account, 1000, TOKEN_2022),
        world.hands.pass_on(mint, account, 500, TOKEN_2022),
    )
    assert (payment.key.index, payment.amount) == ("1", 990 + 495)


def test_a_token_account_of_ours_that_is_not_the_derived_one_is_ours(world):
    mint, other = world.token(), Keypair()
    opened = CreateAccountParams(
        from_pubkey=world.buyer, to_pubkey=other.pubkey(), lamports=2_039_280, space=165, owner=TOKEN
    )
    first = InitializeAccount3Params(program_id=TOKEN, account=other.pubkey(), mint=mint, owner=world.ours)
    [payment] = world.seen(
        create_account(opened),
        spl.initialize_account3(first),
        world.hands.pass_on(mint, other.pubkey(), 4),
        signers=[other],
    )
    assert (payment.amount, payment.destination) == (4, str(world.ours))


def test_an_account_that_becomes_ours_with_its_tokens_is_a_payment_of_them(world):
    mint, other = world.token(), Keypair()
    opened = CreateAccountParams(
        from_pubkey=world.buyer, to_pubkey=other.pubkey(), lamports=2_039_280, space=165, owner=TOKEN
    )
    first = InitializeAccount3Params(program_id=TOKEN, account=other.pubkey(), mint=mint, owner=world.buyer)
    world.hands.done(
        create_account(opened),
        spl.initialize_account3(first),
        world.hands.pass_on(mint, other.pubkey(), 40),
        signers=[other],
    )
    handed = SetAuthorityParams(
        program_id=TOKEN, account=other.pubkey(), authority=AuthorityType.ACCOUNT_OWNER,
        current_authority=world.buyer, new_authority=world.ours,
    )  # fmt: skip
    transferred, beside = world.seen(spl.set_authority(handed), world.hands.pass_on(mint, other.pubkey(), 2))
    assert (transferred.key.index, transferred.amount, beside.amount) == ("1", 2, 40)


def test_tokens_made_for_us_are_a_payment_without_a_sender(world):
    mint = world.token()
    account = world.hands.account(world.ours, mint)
    made = MintToParams(program_id=TOKEN, mint=mint, dest=account, mint_authority=world.buyer, amount=77)
    [payment] = world.seen(world.hands.opened(world.ours, mint), spl.mint_to(made))
    assert payment.key.index.startswith("internal.")
    assert (payment.amount, payment.sender, payment.direct, payment.internal) == (77, None, False, False)


def test_fees_withheld_and_paid_out_to_us_are_a_payment(world):
    mint = world.token(TOKEN_2022, fee_bps=100)
    friend = Keypair().pubkey()
    there, account = (world.hands.account(owner, mint, TOKEN_2022) for owner in (friend, world.ours))
    world.hands.done(
        world.hands.opened(friend, mint, TOKEN_2022),
        world.hands.opened(world.ours, mint, TOKEN_2022),
        world.hands.pass_on(mint, there, 500, TOKEN_2022),
        spl.harvest_withheld_tokens_to_mint(
            HarvestWithheldTokensToMintParams(program_id=TOKEN_2022, mint=mint, sources=[there])
        ),
    )
    paid_out = WithdrawWithheldTokensFromMintParams(
        program_id=TOKEN_2022, mint=mint, dest=account, authority=world.buyer
    )
    [payment] = world.seen(spl.withdraw_withheld_tokens_from_mint(paid_out))
    assert payment.amount == 5


def test_a_token_that_is_not_on_the_list_is_no_payment(world):
    mint = world.token()
    account = world.hands.account(world.ours, mint)
    world.mints.clear()
    assert world.seen(world.hands.opened(world.ours, mint), world.hands.pass_on(mint, account, 25)) == ()


# --- value by other ways -------------------------------------------------------------------------------------


def test_lamports_of_a_closed_account_are_a_payment_beside_the_transfers(world):
    mint, other = world.token(), Keypair()
    opened = CreateAccountParams(
        from_pubkey=world.buyer, to_pubkey=other.pubkey(), lamports=2_039_280, space=165, owner=TOKEN
    )
    first = InitializeAccount3Params(program_id=TOKEN, account=other.pubkey(), mint=mint, owner=world.buyer)
    closed = CloseAccountParams(program_id=TOKEN, account=other.pubkey(), dest=world.ours, owner=world.buyer)
    world.hands.done(create_account(opened), spl.initialize_account3(first), signers=[other])
    txid = world.hands.done(world.hands.give(world.ours, 5), spl.close_account(closed), memo("all of it"))
    transferred, beside = world.same(txid)
    place = world.told(txid, "json")["transaction"]["message"]["accountKeys"].index(str(world.ours))
    assert (transferred.key.index, transferred.amount) == ("0", 5)
    assert (beside.key.index, beside.amount) == (f"internal.{place}", 2_039_280)
    assert (beside.sender, beside.direct, beside.internal, beside.memos) == (None, False, False, ("all of it",))


def test_the_rent_of_a_token_account_opened_for_us_is_no_payment(world):
    assert world.seen(world.hands.opened(world.ours, world.token())) == ()


def test_wrapped_coins_are_a_token_and_only_where_they_are_listed(world):
    account = world.hands.account(world.ours, WRAPPED)
    wrap = (
        world.hands.opened(world.ours, WRAPPED),
        transfer(TransferParams(from_pubkey=world.buyer, to_pubkey=account, lamports=8)),
        spl.sync_native(SyncNativeParams(program_id=TOKEN, account=account)),
    )
    assert world.seen(*wrap) == ()
    world.mints.append(WRAPPED)
    [payment] = world.seen(*wrap)
    assert (payment.asset, payment.amount) == (f"{CHAIN}/token:{WRAPPED}", 8)


def test_what_a_failed_transaction_would_have_paid_is_no_payment(world):
    calls = [world.hands.give(world.ours, 5), world.hands.give(world.ours, 10**15)]
    txid = world.hands.send(*calls)
    world.ledger.mine()
    assert world.told(txid)["meta"]["err"] == {"InstructionError": [1, {"Custom": 1}]}
    assert world.same(txid) == ()


# --- our own -------------------------------------------------------------------------------------------------


def test_what_our_own_wallet_moves_is_internal(world):
    other = Keypair()
    world.watch = replace(world.watch, active=world.watch.active | {str(other.pubkey())})
    world.hands.done(world.hands.give(world.ours, SOL), world.hands.give(other.pubkey(), SOL))
    moved = transfer(TransferParams(from_pubkey=world.ours, to_pubkey=other.pubkey(), lamports=9))
    [payment] = world.seen(moved, payer=world.key)
    assert (payment.amount, payment.destination, payment.internal) == (9, str(other.pubkey()), True)


def test_sending_to_ourselves_moves_nothing(world):
    world.hands.done(world.hands.give(world.ours, SOL))
    moved = transfer(TransferParams(from_pubkey=world.ours, to_pubkey=world.ours, lamports=9))
    assert world.seen(moved, payer=world.key) == ()


def test_rent_that_comes_back_to_us_is_internal(world):
    mint = world.token()
    account = world.hands.account(world.ours, mint)
    world.hands.done(world.hands.opened(world.ours, mint), world.hands.give(world.ours, SOL))
    closed = CloseAccountParams(program_id=TOKEN, account=account, dest=world.ours, owner=world.ours)
    [payment] = world.seen(spl.close_account(closed), payer=world.key)
    assert (payment.amount, payment.internal) == (2_039_280, True)
