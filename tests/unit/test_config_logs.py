"""Nothing secret leaves through a log, whatever it stands under and however it got there."""

import asyncio
import io
import json
import logging

import pytest
import structlog
from pydantic import SecretStr

from config import logs
from config.sections import LogSettings
from tests.support.config_files import XPRV, load

SECRETS = {
    "endpoint": "https://node.example/v2/ENDPOINTKEY?apikey=QUERYKEY",
    "password": "postgresql+psycopg://usher:DBPASSWORD@db.example/usher",
    "token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJUSUNLRVQifQ.U0lHTkFUVVJF",
    "signature": "0x" + "5e" * 65,
    "memo": "event:concert-7:wallet:0xBUYERSWALLET",
    "xprv": XPRV,
    "WIF, as Hive's memo keys": "5JoQtsKQuH8hC9MyvfJAqo6qmKLm8ePYNucs7tPu2YxG12trzBt",
}
GIVEAWAYS = (
    "ENDPOINTKEY",
    "QUERYKEY",
    "DBPASSWORD",
    "eyJ",
    "5e5e5e",
    "0xBUYERSWALLET",
    XPRV[4:30],
    "5JoQtsKQ",
    "PLAINSECRET",
)


@pytest.fixture
def out():
    stream = io.StringIO()
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers = []


@pytest.fixture(params=["json", "console"])
def log(request, out):
    logs.configure(LogSettings(format=request.param, level="debug"), out)
    return structlog.get_logger()


def assert_silent(out):
    text = out.getvalue()
    assert text.strip()
    assert not [giveaway for giveaway in GIVEAWAYS if giveaway in text]


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_known_by_its_look_wherever_it_stands(log, out, kind):
    secret = SECRETS[kind]
    event = f"told {secret} in the text"
    log.info(event, value=secret, deep={"list": [secret, {"x": (secret,)}]})
    assert_silent(out)


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "api_key",
        "session_token",
        "signature",
        "Authorization",
        "cookie",
        "memo",
        "resume",
        "nonce",
        "view_key",
        "viewkey",
    ],
)
def test_a_secret_is_known_by_the_key_it_stands_under(log, out, key):
    log.info("told", **{key: "PLAINSECRET"}, deep=[{key: {"inner": "PLAINSECRET"}}])
    assert_silent(out)


def test_a_secret_is_known_by_its_type(log, out, tmp_path):
    log.info("told", value=SecretStr("PLAINSECRET"), raw=b"PLAINSECRET", many={SecretStr("PLAINSECRET")})
    log.info("told", settings=load(tmp_path))
    assert_silent(out)


def test_a_traceback_tells_no_secret(log, out):
    for secret in SECRETS.values():
        try:
            int(secret)
        except ValueError:
            log.exception("failed")
    assert "ValueError" in out.getvalue()
    assert_silent(out)


def test_what_a_library_logs_is_redacted_too(log, out):
    for secret in SECRETS.values():
        logging.getLogger("some.library").warning("asked %s", secret)
        try:
            int(secret)
        except ValueError:
            logging.getLogger("some.library").exception("failed")
    assert_silent(out)


def test_without_redaction_they_would_all_be_there(out, monkeypatch):
    monkeypatch.setattr(logs, "_redacted", lambda _logger, _method, entry: entry)
    logs.configure(LogSettings(format="json"), out)
    structlog.get_logger().info("told", value=list(SECRETS.values()), secret="PLAINSECRET")
    assert [giveaway for giveaway in GIVEAWAYS if giveaway not in out.getvalue()] == []


def test_public_facts_stay_readable(out):
    logs.configure(LogSettings(format="json"), out)
    txid = "0x" + "ab" * 32
    structlog.get_logger().info("payment.minted", chain="eip155:137", txid=txid, amount=10**24, confirmations=3)
    entry = json.loads(out.getvalue())
    assert (entry["event"], entry["txid"], entry["confirmations"]) == ("payment.minted", txid, 3)
    assert entry["amount"] == str(10**24)
    assert entry["timestamp"].endswith("Z")
    assert entry["level"] == "info"


async def test_ids_are_bound_to_the_task_they_belong_to(out):
    logs.configure(LogSettings(format="json"), out)

    async def handle(request_id):
        with logs.bound(request_id=request_id):
            await asyncio.sleep(0)
            structlog.get_logger().info("handled", own=request_id)

    await asyncio.gather(*(handle(f"r{n}") for n in range(10)))
    structlog.get_logger().info("outside")
    *handled, outside = map(json.loads, out.getvalue().splitlines())
    assert all(entry["request_id"] == entry["own"] for entry in handled)
    assert "request_id" not in outside


def test_auto_is_json_where_nobody_watches(out):
    logs.configure(LogSettings(format="auto", level="warning"), out)
    structlog.get_logger().info("not shown")
    structlog.get_logger().warning("shown")
    assert json.loads(out.getvalue())["event"] == "shown"
