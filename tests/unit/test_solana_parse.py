"""From a node's answer to payments: places of inner calls, balances against instructions, and answers that lie."""

import base64
import copy

import pytest
from solders.pubkey import Pubkey

from chains import base58
from chains.distrust import Distrusted
from chains.port import Watch
from chains.solana.ours import Ours, token_account
from chains.solana.parse import check_header, clock_time, payments_in
from chains.solana.programs import SYSTEM
from chains.solana.reference import references
from chains.solana.transaction import read
from memo.grammar import LONGEST
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import answer
from tests.support.solana_node import CHAIN, MEMO, RENT, TOKEN, hands, memo, solana_chain

PAYER, OURS, OTHER = (str(Ledger().faucet.pubkey()), "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN", str(MEMO))
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
HELD = token_account(OURS, MINT, str(TOKEN))
[REFERENCE] = references(b"secret", CHAIN, 0, 1)
KEYS = [PAYER, OURS, HELD, "9wFFyRfZBsuAha4YcuxcXLKwMxJR43S7fPfQLusDBzvT", SYSTEM, str(TOKEN), str(MEMO), REFERENCE]
"""By place: who pays, our wallet, its token account, the payer's, three programs, a reference."""
WATCH = Watch(active=frozenset({OURS, REFERENCE}))


def lamports(amount, source=0, to=1):
    return {"programIdIndex": 4, "accounts": [source, to], "data": b58(b"\2\0\0\0" + amount.to_bytes(8, "little"))}


def tokens(amount, source=3, to=2):
    return {"programIdIndex": 5, "accounts": [source, to, 0], "data": b58(b"\3" + amount.to_bytes(8, "little"))}


def text(words):
    return {"programIdIndex": 6, "accounts": [], "data": b58(words.encode())}


def b58(data):
    return base58.encode(data)


OPAQUE = {"programIdIndex": 7, "accounts": [0, 1], "data": "3Bxs"}
"""A call of a program that nobody here reads."""


def told(*outer, inner=None, sol=0, tokens_in=0, spare=None):
    """A transaction in which our wallet gains `sol` lamports and its token account `tokens_in` units."""
    before = [10**10, RENT, 2_039_280, 2_039_280, 1, 1, 1, 0]
    after = [10**10 - 5000 - sol, RENT + sol, *before[2:]]
    held = [_holding(2, OURS, 0), _holding(3, PAYER, 10**6)]
    got = [_holding(2, OURS, tokens_in), _holding(3, PAYER, 10**6 - tokens_in)]
    return {
        "slot": 9,
        "version": "legacy",
        "transaction": {
            "signatures": ["5" * 88],
            "message": {
                "accountKeys": KEYS,
                "header": {"numRequiredSignatures": 1},
                "instructions": [*outer],
                "recentBlockhash": PAYER,
            },
        },
        "meta": {
            "err": None, "fee": 5000, "preBalances": before, "postBalances": after,
            "preTokenBalances": held, "postTokenBalances": got, "innerInstructions": inner,
            "logMessages": None, **(spare or {}),
        },
    }  # fmt: skip


def _holding(place, owner, amount):
    return {"accountIndex": place, "mint": MINT, "owner": owner, "uiTokenAmount": {"amount": str(amount)}}


def ours():
    return Ours.of(WATCH, solana_chain(Pubkey.from_string(MINT)))


def found(raw):
    executed = read(raw)
    assert not isinstance(executed, Distrusted), executed
    return [(payment.key.index, payment.amount) for payment in payments_in(executed, ours(), None)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (told(lamports(5), sol=5), [("0", 5)]),
        (told(OPAQUE, lamports(5), sol=5), [("1", 5)]),
        (told(OPAQUE, inner=[{"index": 0, "instructions": [OPAQUE, lamports(5)]}], sol=5), [("0.1", 5)]),
        (
            told(
                *[OPAQUE] * 12,
                inner=[
                    {"index": 10, "instructions": [lamports(3)]},
                    {"index": 2, "instructions": [lamports(1), lamports(2)]},
                ],
                sol=6,
            ),
            [("2.0", 1), ("2.1", 2), ("10.0", 3)],
        ),
        (told(OPAQUE, inner=[{"index": 0, "instructions": [tokens(4)]}], tokens_in=4), [("0.0", 4)]),
        (told(tokens(4), lamports(9), tokens_in=4, sol=9), [("0", 4), ("1", 9)]),
        (told(OPAQUE, sol=7), [("internal.1", 7)]),  # a program moved lamports, or its calls were not kept
        (told(OPAQUE, tokens_in=7), [("internal.2", 7)]),
        (told(lamports(5), sol=9), [("0", 5), ("internal.1", 4)]),
        (told(tokens(100), tokens_in=99), [("0", 99)]),  # a fee was kept back
        (told(tokens(100), tokens(50), tokens_in=148), [("0", 148)]),
        (told(lamports(5), sol=3), [("0", 3)]),  # a node that says so lies about one of them: the balance counts
        (told(lamports(5), sol=0), []),
        (told(lamports(5), sol=-2), []),
        (told(lamports(0), sol=0), []),
        (told(lamports(5, source=1, to=1), sol=0), []),
        (told(lamports(5, to=3), sol=0), []),  # to somebody else
        (told(lamports(5), sol=5, spare={"err": {"InstructionError": [0, "X"]}}), []),
    ],
)
def test_what_arrived_counts_and_its_place_in_the_transaction_names_it(raw, expected):
    assert found(raw) == expected


def test_memos_of_inner_calls_travel_along_in_their_order():
    inner = [{"index": 1, "instructions": [text("second")]}, {"index": 0, "instructions": [text("first")]}]
    executed = read(told(OPAQUE, lamports(5), text("third"), inner=inner, sol=5))
    [payment] = payments_in(executed, ours(), None)
    assert payment.memos == ("first", "second", "third")
    assert payment.references == (REFERENCE,)


def test_many_long_memos_of_inner_calls_are_kept_once_over_beside_many_transfers():
    texts = [text(f"{number:02}" + "x" * 500) for number in range(30)]
    inner = [{"index": 0, "instructions": [*texts, *(lamports(1) for _ in range(30))]}]
    payments = payments_in(read(told(OPAQUE, inner=inner, sol=30)), ours(), None)
    assert len(payments) == 30
    assert all(sum(map(len, payment.memos)) <= LONGEST for payment in payments)
    assert payments[0].memos[0].startswith("00x")


def test_a_token_account_whose_owner_the_node_does_not_tell_is_known_if_it_is_derived():
    raw = told(tokens(4), tokens_in=4)
    for entry in raw["meta"]["preTokenBalances"] + raw["meta"]["postTokenBalances"]:
        del entry["owner"]
    assert found(raw) == [("0", 4)]
    raw["transaction"]["message"]["accountKeys"] = [OTHER if key == HELD else key for key in KEYS]
    assert found(raw) == []


def test_a_transaction_without_its_outcome_is_neither_believed_nor_denied():
    assert read({**told(lamports(5)), "meta": None}) is None


def spoilt(**changes):
    raw = copy.deepcopy(told(lamports(5), sol=5))
    for path, value in changes.items():
        holder = raw
        *way, last = path.split("__")
        for name in way:
            holder = holder[name]
        holder[last] = value
    return raw


@pytest.mark.parametrize(
    "raw",
    [
        None, [], 5, "x", {}, {"meta": {}}, {"meta": {}, "transaction": {}},
        spoilt(meta__preBalances=[1]),
        spoilt(meta__postBalances=[1] * 300),
        spoilt(meta__preBalances=[-1] * 8),
        spoilt(meta__postBalances=[2**64] * 8),
        spoilt(meta__postBalances=[0.5] * 8),
        spoilt(meta__postBalances=[True] * 8),
        spoilt(meta__fee="5000"),
        spoilt(meta__innerInstructions=[{"index": 1, "instructions": []}]),
        spoilt(meta__innerInstructions=[{"index": 0}]),
        spoilt(meta__innerInstructions=7),
        spoilt(meta__preTokenBalances=[_holding(99, OURS, 1)]),
        spoilt(meta__preTokenBalances=[_holding(1, OURS, "1e9")]),
        spoilt(meta__preTokenBalances=[_holding(1, OURS, "9" * 5000)]),
        spoilt(meta__preTokenBalances=[_holding(1, OURS, -4)]),
        spoilt(transaction__signatures=[]),
        spoilt(transaction__message__accountKeys=[None] * 8),
        spoilt(transaction__message__instructions=[{"programIdIndex": 44, "accounts": [], "data": ""}]),
        spoilt(transaction__message__instructions=[{"programIdIndex": 4, "accounts": [300], "data": ""}]),
        spoilt(transaction__message__instructions=[{"programIdIndex": 4, "accounts": [0, 1], "data": "0OIl"}]),
        spoilt(transaction__message__instructions=[{"programIdIndex": 4, "accounts": [0, 1], "data": "2" * 10**6}]),
        spoilt(transaction=["AAAA", "base64"]),
        spoilt(transaction=["?", "base64"]),
        spoilt(transaction=["2" * 10**6, "base58"]),
        spoilt(transaction=["AAAA"]),
    ],
)  # fmt: skip
def test_an_answer_that_no_honest_node_gives_is_distrusted(raw):
    assert isinstance(read(raw), Distrusted)


@pytest.mark.parametrize("count", [0, 1])
def test_a_transfer_whose_accounts_or_amount_are_missing_did_not_happen(count):
    short = {"programIdIndex": 4, "accounts": [0, 1][:count], "data": b58(b"\2\0\0\0" + bytes(7 + count))}
    assert found(told(short)) == []


# --- what a signature covers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed():
    """A paid transaction as the node tells it, by encoding."""
    ledger = Ledger()
    payer = hands(ledger)
    txid = payer.done(payer.give(OURS, RENT), memo("event:7:wallet:alice"))
    options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    return {
        encoding: answer(Node(ledger), "getTransaction", [txid, {**options, "encoding": encoding}])
        for encoding in ("base64", "json")
    }


def memos(raw):
    return payments_in(read(raw), ours(), None)[0].memos


def test_a_memo_that_a_node_has_changed_breaks_the_payers_signature(signed):
    wire = base64.b64decode(signed["base64"]["transaction"][0])
    assert memos(signed["base64"]) == ("event:7:wallet:alice",)
    bent = base64.b64encode(wire.replace(b"alice", b"thief")).decode()
    verdict = read({**signed["base64"], "transaction": [bent, "base64"]})
    assert verdict == Distrusted(reason="a transaction that its payer did not sign")


def test_without_the_signed_bytes_a_changed_memo_would_be_believed(signed):
    raw = copy.deepcopy(signed["json"])
    instructions = raw["transaction"]["message"]["instructions"]
    instructions[1]["data"] = b58(b"event:7:wallet:thief")
    assert memos(raw) == ("event:7:wallet:thief",)


def test_a_signature_of_somebody_else_is_no_payers(signed):
    wire = bytearray(base64.b64decode(signed["base64"]["transaction"][0]))
    wire[5] ^= 1
    verdict = read({**signed["base64"], "transaction": [base64.b64encode(bytes(wire)).decode(), "base64"]})
    assert isinstance(verdict, Distrusted)


# --- blocks and the clock ------------------------------------------------------------------------------------

HEADER = {"blockhash": "h", "parentSlot": 8, "blockTime": 1_795_176_000, "blockHeight": 7, "previousBlockhash": "g"}


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {**HEADER, "parentSlot": 9},
        {**HEADER, "parentSlot": "8"},
        {**HEADER, "blockTime": None},
        {**HEADER, "blockTime": 2**40},
        {**HEADER, "blockhash": None},
        {**HEADER, "signatures": [None]},
    ],
)
def test_a_block_that_cannot_stand_in_its_slot_is_distrusted(raw):
    assert isinstance(check_header(raw, 9), Distrusted)


def test_a_block_is_known_by_slot_hash_time_and_the_signatures_in_it():
    header = check_header({**HEADER, "signatures": ["a", "b"]}, 9)
    assert (header.slot, header.hash, header.parent, header.txids) == (9, "h", 8, ("a", "b"))
    assert header.block.time.isoformat() == "2026-11-20T12:00:00+00:00"


@pytest.mark.parametrize("data", [b"", bytes(39), bytes(32) + b"\xff" * 8, bytes(32) + b"\xff" * 7 + b"\x7f"])
def test_a_clock_that_shows_no_time_is_distrusted(data):
    assert isinstance(clock_time(data), Distrusted)
