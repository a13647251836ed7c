"""`usher events`, `usher tickets` and `usher payments`, on both databases."""

import asyncio
from datetime import UTC, datetime

import pytest

from chains.port import Note, Payment, PaymentKey
from config.registry import Family
from store.engine import open_store
from tests.support.command_line import RECEIVE, deployment
from tests.support.verifier_families import leave_only
from tickets import events, notes, till
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord, PaymentState

GUEST = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
TIMES = ("--starts-at", "2126-12-01T20:00:00Z", "--ends-at", "2126-12-01T23:00:00+01:00")
ROOM = ("--space-id", "stage-1")


@pytest.fixture
def usher(tmp_path, database_url):
    return deployment(tmp_path, database_url)


@pytest.fixture
def concert(usher):
    words = ("--title", "Concert", *ROOM, *TIMES, "--slug", "concert", "--capacity", "2")
    return usher.json("events", "create", *words, "--price", "eth=0.05", "--price", "usdc:polygon=25")


def test_an_event_is_created_with_prices_as_decimals(usher, concert):
    (general,) = concert["tiers"]
    assert [(cost["amount"], cost["currency"], cost["asset"]) for cost in general["prices"]] == [
        ("0.05", "ETH", "eip155:1/slip44:60"),
        ("25", "USDC", "eip155:137/erc20:0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"),
    ]
    assert (general["name"], general["capacity"], general["left"]) == ("general", 2, 2)
    assert concert["creator"] == "House"
    assert (concert["ends_at"], concert["commission_bps"]) == ("2126-12-01T22:00:00Z", 2000)
    assert usher.json("events", "show", "concert") == concert == usher.json("events", "show", str(concert["id"]))
    assert usher.json("events", "list") == [concert]


def test_every_field_of_an_event_can_be_given(usher):
    event = usher.json(
        "events", "create", "--title", "Workshop", "--description", "Bring a friend", "--space-type", "post",
        "--space-id", "alice/hello", "--category", "education", "--creator", f"eip155:1:{GUEST}", *TIMES,
        "--doors-at", "2126-12-01T19:00:00Z", "--sales-start", "2026-11-21T00:00:00Z",
        "--sales-end", "2126-12-01T19:30:00Z",
        "--tier", "vip,capacity=20,eth=0.2", "--tier", "standing,eip155:1/slip44:60=0.1,pol=90",
        "--require-camera", "--require-microphone", "--age-restriction", "18", "--relay-only", "--purchase-limit", "4",
        "--commission-bps", "1500", "--page-origin", "https://a.example", "--page-origin", "https://b.example",
    )  # fmt: skip
    assert [(tier["name"], tier["capacity"]) for tier in event["tiers"]] == [("vip", 20), ("standing", None)]
    assert [cost["currency"] for cost in event["tiers"][1]["prices"]] == ["ETH", "POL"]
    assert (event["doors_at"], event["sales_end"]) == ("2126-12-01T19:00:00Z", "2126-12-01T19:30:00Z")
    assert event["page_origins"] == ["https://a.example", "https://b.example"]
    assert (event["require_camera"], event["require_microphone"], event["relay_only"]) == (True, True, True)
    assert (event["age_restriction"], event["purchase_limit"], event["commission_bps"]) == (18, 4, 1500)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((), 2),
        (("--price", "eth"), 2),
        (("--price", "eth="), 2),
        (("--price", "eth=0.05", "--price", "eth=0.06"), 2),
        (("--price", "eth=0.05", "--price", "eip155:1/slip44:60=0.06"), 2),
        (("--price", "doge=1"), 2),
        (("--price", "eth=1e-2"), 2),
        (("--price", "usdc=0.0000001"), 2),
        (("--price", "eth=0.05", "--tier", "vip,eth=1"), 2),
        (("--tier", "vip,capacity=x,eth=1"), 2),
        (("--tier", "vip,eth=1", "--capacity", "3"), 2),
        (("--tier", "vip"), 1),
        (("--tier", "VIP!,eth=1"), 1),
        (("--price", "eth=0"), 1),
        (("--price", "eth=0.05", "--capacity", "0"), 1),
        (("--price", "eth=0.05", "--slug", "2026"), 1),
        (("--price", "eth=0.05", "--sales-end", "2127-01-01T00:00:00Z"), 1),
        (("--price", "eth=0.05", "--doors-at", "2126-12-01 20:00"), 2),
    ],
)
def test_a_draft_that_cannot_be_is_refused_with_what_is_wrong(usher, words, status):
    result = usher("events", "create", "--title", "Concert", *ROOM, *TIMES, *words)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr
    assert usher.json("events", "list") == []


def test_events_are_filtered(usher, concert):
    assert usher.json("events", "list", "--q", "conc", "--status", "active", "--upcoming") == [concert]
    assert usher.json("events", "list", "--status", "cancelled") == []


def test_a_person_reads_a_line_for_each_event(usher, concert):
    line = usher("events", "list").stdout.split("\t")
    assert line[:4] == [str(concert["id"]), "concert", "Concert", "active"]
    assert line[-1] == "general 0/2 0.05 ETH or 25 USDC\n"


def test_a_cancelled_event_stays_cancelled(usher, concert):
    assert usher.json("events", "cancel", "concert", "--reason", "storm")["status"] == "cancelled"
    assert usher.json("events", "show", "concert")["status"] == "cancelled"
    again = usher("events", "cancel", "concert")
    assert (again.exit_code, "not active" in again.stderr) == (1, True)


@pytest.mark.parametrize("words", [("show", "nothing"), ("show", "0"), ("cancel", "nothing"), ("show", "9" * 30)])
def test_an_event_that_is_not_there_is_named(usher, words):
    result = usher("events", *words)
    assert (result.exit_code, "usher events list" in result.stderr) == (1, True)


def test_the_guest_list_takes_places_until_none_is_left(usher, concert):
    ticket = usher.json("tickets", "grant", "concert", GUEST.lower())
    assert ticket["account"] == f"eip155:1:{GUEST}"
    assert ticket["token"].count(".") == 2
    assert usher.json("events", "show", "concert")["tiers"][0]["left"] == 1
    assert usher.json("tickets", "show", ticket["id"]) == ticket
    usher.json("tickets", "grant", "concert", f"eip155:137:{RECEIVE}", "--tier", "general")
    full = usher("tickets", "grant", "concert", "0x" + "11" * 20)
    assert (full.exit_code, "no place is left" in full.stderr) == (1, True)
    assert concert["tiers"][0]["left"] == 2


def test_a_guest_is_invited_twice_only_on_purpose(usher, concert):
    first = usher.json("tickets", "grant", "concert", GUEST)
    twice = usher("tickets", "grant", "concert", GUEST.lower())
    assert (twice.exit_code, first["id"] in twice.stderr, "--again" in twice.stderr) == (1, True, True)
    usher.json("tickets", "revoke", first["id"])
    second = usher.json("tickets", "grant", "concert", GUEST)
    third = usher.json("tickets", "grant", "concert", GUEST, "--again")
    assert len({first["id"], second["id"], third["id"]}) == 3
    assert concert["tiers"][0]["capacity"] == 2


def test_nobody_is_invited_to_what_is_cancelled_or_over(usher, concert, database_url):
    async def end() -> None:
        store = open_store(database_url)
        ends_at = datetime.fromisoformat(concert["ends_at"])
        await store.transact(lambda conn: events.complete_due(conn, now=ends_at))
        await store.aclose()

    usher.json("events", "create", "--title", "Rained off", *ROOM, *TIMES, "--slug", "rain", "--price", "eth=0.05")
    usher.json("events", "cancel", "rain", "--reason", "rain")
    asyncio.run(end())
    for slug, why in (("rain", "was cancelled"), ("concert", "is over")):
        refused = usher("tickets", "grant", slug, GUEST)
        assert (refused.exit_code, why in refused.stderr) == (1, True)
    assert usher.json("tickets", "list") == []


def test_tickets_are_listed_without_their_tokens(usher, concert):
    ticket = usher.json("tickets", "grant", "concert", GUEST)
    (listed,) = usher.json("tickets", "list", "--event", "concert", "--holder", GUEST, "--state", "valid")
    assert listed == {key: value for key, value in ticket.items() if key != "token"}
    assert usher.json("tickets", "list", "--holder", RECEIVE) == []
    assert ticket["token"] not in usher("tickets", "list").stdout
    assert concert["id"] == ticket["event_id"]


def test_a_revoked_ticket_gives_its_place_back_once(usher, concert):
    ticket = usher.json("tickets", "grant", "concert", GUEST)
    assert usher.json("tickets", "revoke", ticket["id"], "--reason", "a mistake")["state"] == "revoked"
    assert usher.json("tickets", "show", ticket["id"])["reason"] == "a mistake"
    assert usher("tickets", "revoke", ticket["id"]).exit_code == 1
    assert usher.json("events", "show", "concert")["tiers"] == concert["tiers"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("grant", "nothing", GUEST), 1),
        (("grant", "concert", GUEST, "--tier", "vip"), 1),
        (("grant", "concert", GUEST[:-1]), 2),
        (("grant", "concert", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"), 2),
        (("show", "nothing"), 1),
        (("revoke", "nothing"), 1),
        (("list", "--event", "nothing"), 1),
        (("list", "--holder", "?"), 2),
    ],
)
def test_what_is_asked_for_nobody_or_nothing_is_told_in_a_line(usher, concert, words, status):
    result = usher("tickets", *words)
    assert (result.exit_code, result.stderr.startswith("usher: ")) == (status, True)
    assert concert


@pytest.fixture
def payment(usher, database_url):
    """A payment that came without a memo."""
    assert usher
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    record = PaymentRecord(
        key=PaymentKey(chain="eip155:1", txid="0x" + "ab" * 32, index="v"),
        asset="eip155:1/slip44:60", amount=50_000_000_000_000_001, destination=RECEIVE, sender=GUEST, direct=True,
        memos=("thanks",), internal=False, state=PaymentState.FINAL, confirmations=64, height=7,
        block_hash="0x" + "cd" * 32, block_time=moment, first_seen=moment, outcome=Outcome.OWED,
        reason=Reason.UNREADABLE_MEMO,
        owed=50_000_000_000_000_001,
    )  # fmt: skip

    async def put() -> None:
        store = open_store(database_url)
        await store.transact(lambda conn: till.record(conn, [record], now=moment))
        await store.aclose()

    asyncio.run(put())
    return record


def test_payments_are_listed_with_exact_amounts(usher, payment):
    (listed,) = usher.json(
        "payments", "list", "--chain", "ethereum", "--outcome", "owed", "--reason", "unreadable_memo"
    )
    assert (listed["id"], listed["amount"], listed["owed"]) == (
        payment.id,
        "0.050000000000000001",
        "0.050000000000000001",
    )
    assert (listed["currency"], listed["memos"], listed["first_seen"]) == ("ETH", ["thanks"], "2026-11-20T12:00:00Z")
    assert usher.json("payments", "list", "--chain", "eip155:137") == []
    assert usher.json("payments", "list", "--state", "pending") == []


def test_payments_are_found_by_their_transaction_and_by_one_that_a_trace_named(usher, payment, database_url):
    noted = Note(txid="0x" + "77" * 32, sender="0x" + "88" * 20)
    told = Payment(
        key=payment.key, asset=payment.asset, amount=payment.amount, destination=payment.destination, sender=None,
        memos=(), block=None, noted=(noted,),
    )  # fmt: skip

    async def put() -> None:
        store = open_store(database_url)
        await store.transact(lambda conn: notes.keep(conn, [told]))
        await store.aclose()

    assert usher.json("payments", "list", "--transaction", noted.txid) == []
    asyncio.run(put())
    for txid in (payment.key.txid, noted.txid, noted.txid.upper().replace("X", "x")):
        for more in ((), ("--chain", "ethereum")):
            (listed,) = usher.json("payments", "list", "--transaction", txid, *more)
            assert (listed["id"], listed["txid"]) == (payment.id, payment.key.txid)
            assert listed["noted"] == [{"txid": noted.txid, "sender": noted.sender}]
    assert usher.json("payments", "list", "--transaction", noted.txid, "--chain", "polygon") == []
    assert usher.json("payments", "list", "--transaction", noted.txid, "--state", "pending") == []
    assert usher.json("payments", "show", payment.id)["noted"] == listed["noted"]


def test_a_payment_is_shown_with_the_reason_in_words(usher, payment):
    shown = usher.json("payments", "show", payment.id)
    assert shown["explanation"] == Reason.UNREADABLE_MEMO.sentence
    assert usher("payments", "show", "nothing").exit_code == 1
    assert usher("payments", "list", "--chain", "nowhere").exit_code == 2


def test_a_database_that_was_never_upgraded_is_a_matter_of_configuration(tmp_path):
    line = deployment(tmp_path, f"sqlite:///{tmp_path / 'usher.db'}")
    (tmp_path / "usher.db").unlink()
    result = line("events", "list")
    assert (result.exit_code, "usher db upgrade" in result.stderr) == (3, True)


def test_nobody_is_invited_whose_wallet_cannot_show_itself(usher, monkeypatch):
    leave_only(monkeypatch, Family.EVM)
    refused = usher("tickets", "grant", "concert", "alice")
    assert refused.exit_code == 1
    assert "cannot show itself" in refused.stderr
