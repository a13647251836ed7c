"""`usher chains`: what the operator sees of a stopped chain, and how it goes on."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial

import pytest
from alembic import command

from chains import progress
from chains.port import PaymentKey, Sweep, Tip
from store.engine import open_engine, open_store
from store.revision import alembic_config
from tests.support.command_line import CommandLine, typed
from tickets import addresses, till
from tickets.till import PaymentRecord, PaymentState

CHAIN = "eip155:31337"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
MONERO = "monero:418015bb9ae982a1975da7d79277c270"
SOLANA = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
VIEW_KEY = "9384dbbc3755094d4214240ccc16c199c1a91da5e2249ee3639553d67f2d3f02"  # of the address below
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SWEEP = Sweep(
    final=(), pending=(), gone=(), tip=Tip(height=9, hash="0x09", time=AT), final_height=1, checkpoint={"final": 1}
)


@pytest.fixture
def deployment(tmp_path):
    receive = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    made = typed(
        ["init", "--directory", str(tmp_path), "--network", "test", "--chain", CHAIN, "--receive", receive, "--json"]
    )
    assert made.exit_code == 0, made.output
    return tmp_path


def usher(deployment, *words):
    return typed(["--config", str(deployment / "usher.toml"), "chains", *words, "--json"])


async def stopped(deployment):
    store = open_store(f"sqlite:///{deployment / 'usher.db'}")
    await store.transact(partial(progress.save, chain=CHAIN, sweep=SWEEP, now=AT))
    await store.transact(partial(progress.stop, chain=CHAIN, reason="all endpoints speak for another chain", now=AT))
    await store.aclose()


def test_a_chain_that_was_never_polled_says_so(deployment):
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert (row["chain"], row["status"], row["tip"], row["lost_payments"]) == (CHAIN, "never polled", None, 0)


async def stopped_at_once(deployment):
    store = open_store(f"sqlite:///{deployment / 'usher.db'}")
    await store.transact(partial(progress.stop, chain=CHAIN, reason="the endpoint speaks for another chain", now=AT))
    await store.aclose()


def test_a_chain_that_stopped_on_its_first_poll_says_so_and_is_resumed(deployment):
    asyncio.run(stopped_at_once(deployment))
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert (row["status"], row["tip"], row["polled_seconds_ago"]) == ("stopped", None, None)
    assert "another chain" in row["reason"]
    assert usher(deployment, "resume", CHAIN).exit_code == 0
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert row["status"] == "never polled"


def test_a_stopped_chain_shows_its_reason_and_is_resumed_once(deployment):
    asyncio.run(stopped(deployment))
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert row["status"] == "stopped"
    assert "another chain" in row["reason"]
    assert usher(deployment, "resume", CHAIN).exit_code == 0
    (row,) = json.loads(usher(deployment, "list").stdout)
    assert (row["status"], row["reason"]) == ("following", None)
    again = usher(deployment, "resume", CHAIN)
    assert again.exit_code == 1
    assert "not stopped" in again.stderr


def test_a_chain_of_no_deployment_is_a_usage_error(deployment):
    assert usher(deployment, "resume", "eip155:1").exit_code == 2


LINES = f"""
network = "main"
keys.directory = "keys"
platform = {{ name = "House", domains = ["house.example"] }}

[chains."{BITCOIN}"]
endpoints = ["http://127.0.0.1:9"]
receive = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"
xpub = "{ZPUB}"

[chains."{MONERO}"]
endpoints = ["http://127.0.0.1:9"]
receive = "48dZLeGQMYGGoNyoyCqywe2sazqDk5t5FXny3FAV7F241bECXuMytNWKHrTpVu7cRFYwxEXWwaaXNFCLM2ChnutM5kxzVfo"
wallet = {{ endpoint = "http://127.0.0.1:9", password = "of the wallet file", view_key = "{VIEW_KEY}" }}

[chains."{SOLANA}"]
endpoints = ["http://127.0.0.1:9"]
receive = "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde"

[chains."eip155:137"]
endpoints = ["http://127.0.0.1:9"]
receive = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
"""


async def handed_out(url):
    """Let forty buyers see an address on each chain, and the thirtieth of them pay."""
    store = open_store(url)
    for chain in (BITCOIN, MONERO, SOLANA):
        derive = lambda start, count: [f"address {place}" for place in range(start, start + count)]  # noqa: E731
        await store.transact(partial(addresses.restored, chain_id=chain, derive=derive, gap=40))
        await store.transact(partial(till.record, records=[paid(chain, "address 29")], now=AT))
    await store.aclose()


def paid(chain, destination):
    return PaymentRecord(
        key=PaymentKey(chain=chain, txid="0x1", index="0"), asset=f"{chain}/slip44:0", amount=1,
        destination=destination, sender=None, direct=True, memos=(), internal=False, state=PaymentState.FINAL,
        confirmations=9, height=7, block_hash="0x07", block_time=AT, first_seen=AT,
    )  # fmt: skip


@pytest.fixture
def lines(tmp_path, database_url):
    (tmp_path / "keys").mkdir(mode=0o700)
    config = tmp_path / "usher.toml"
    config.write_text(LINES + f'\n[database]\nurl = "{database_url}"\n')
    engine = open_engine(database_url)
    with engine.begin() as connection:
        command.stamp(alembic_config(connection), "head")
    engine.dispose()
    return CommandLine(config=config)


def test_each_chain_with_own_addresses_says_which_gap_limit_its_wallet_needs(lines, database_url):
    asyncio.run(handed_out(database_url))
    told = {row["chain"]: row for row in lines.json("chains", "addresses")}
    assert told.keys() == {BITCOIN, MONERO}  # nobody pays to a reference, and Polygon's orders have none
    assert told[BITCOIN] == {
        "chain": BITCOIN,
        "name": "Bitcoin",
        "handed_out": 40,
        "paid": 1,
        "last_paid_position": 29,
        "last_paid": "address 29",
        "gap_limit": 30,
    }
    assert told[MONERO]["gap_limit"] == 41
    [bitcoin, _] = lines("chains", "addresses").stdout.splitlines()
    assert bitcoin.split("\t") == [BITCOIN, "Bitcoin", "40", "1", "29", "address 29", "30"]


def test_a_chain_whose_addresses_nobody_has_seen_needs_no_gap_limit_yet(lines):
    rows = lines.json("chains", "addresses")
    assert [(row["chain"], row["handed_out"], row["last_paid"], row["gap_limit"]) for row in rows] == [
        (BITCOIN, 0, None, 0),
        (MONERO, 0, None, 0),
    ]


def test_addresses_that_were_handed_out_count_though_the_key_has_left_the_settings(lines, database_url):
    asyncio.run(handed_out(database_url))
    lines.config.write_text(lines.config.read_text().replace(f'xpub = "{ZPUB}"', ""))
    assert [row["gap_limit"] for row in lines.json("chains", "addresses")] == [30, 41]
