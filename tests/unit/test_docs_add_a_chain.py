"""The contributor's page about chains: its examples are entries that are taken, its commands and files are there."""

import re
import tomllib
from pathlib import Path

import pytest

from chains.bitcoin.derive import deriving
from config.eip55 import require_checksum
from config.loader import SHIPPED, load_registry
from config.registry import Family, Network
from config.sections import ChainSettings
from tests.support import e2e_guides as docs
from tests.support.e2e_guides import ROOT

PAGE = "docs/add-a-chain.md"
EXAMPLES = docs.fences(PAGE, "toml")
LITECOIN = load_registry().chain("bip122:12a765e31ffd4059bada1e25190f6e98")
LITECOINS_PAGE = (ROOT / "docs" / "chains" / "litecoin.md").read_text("utf-8")


@pytest.fixture
def base(tmp_path):
    (tmp_path / "chains.toml").write_text(EXAMPLES[0].text)
    [chain] = load_registry(tmp_path / "chains.toml").chains.values()
    return chain


def test_the_example_of_an_evm_network_is_an_entry_that_is_taken(base):
    assert (base.id, base.family, base.network) == ("eip155:8453", Family.EVM, Network.MAIN)
    [entry] = tomllib.loads(EXAMPLES[0].text).values()
    for token in entry["tokens"].values():
        assert require_checksum(token["contract"]) == token["contract"]
    assert base.finality.blocks >= base.steps_for("anything")[-1].confirmations


def test_no_name_of_the_example_means_something_else_already(base):
    shipped = load_registry()
    assert shipped.chain(base.id) is None
    taken = {name for chain in shipped.chains.values() for name in chain.payment_methods}
    assert set(base.payment_methods) == {"eth:base", "usdc:base"}
    assert taken.isdisjoint(base.payment_methods)


def test_the_example_of_a_chain_like_bitcoin_is_the_entry_that_is_shipped():
    [(chain_id, shown)] = tomllib.loads(EXAMPLES[1].text).items()
    assert shown == tomllib.loads(SHIPPED.read_text("utf-8"))[chain_id]


def test_every_test_that_a_command_runs_is_there():
    for words in docs.commands(PAGE):
        assert words[:3] == [".venv/bin/python", "-m", "pytest"]
        named = [word for word in words[3:] if word.startswith("tests/")]
        assert named
        assert [word for word in named if not (ROOT / word).is_file()] == []


def test_every_place_where_families_are_told_apart_is_on_the_page():
    """What names two families or more has to learn of a new one."""
    said = docs.page(PAGE)
    rooms = ("chains", "config", "gateway", "memo", "monitor", "payouts", "tickets", "usher", "verifier")
    files = [path.relative_to(ROOT) for room in rooms for path in (ROOT / room).rglob("*.py")]
    telling = [path for path in files if len(set(re.findall(r"\bFamily\.[A-Z]+\b", (ROOT / path).read_text()))) > 1]
    assert {Path("chains/accounts.py"), Path("verifier/verify.py")} <= set(telling)
    assert [path.as_posix() for path in telling if f"`{path.as_posix()}`" not in said] == []


def test_litecoins_page_shows_the_first_address_of_its_key_and_the_depths_that_are_shipped(monkeypatch, tmp_path):
    monkeypatch.setenv("BCL_DATA_DIR", str(tmp_path))
    [example] = re.findall(r"^```toml\n(.*?)^```$", LITECOINS_PAGE, re.MULTILINE | re.DOTALL)
    settings = ChainSettings(**tomllib.loads(example)["chains"][LITECOIN.id])
    assert deriving(settings.xpub, LITECOIN)(0, 1) == [settings.receive]
    steps = LITECOIN.steps_for(LITECOIN.native.id)
    assert [(step.up_to, step.confirmations) for step in steps] == [(200_000_000, 2), (2_000_000_000, 4), (None, 6)]
    assert "2 up to 2 LTC, 4 up to 20 LTC, 6 above" in LITECOINS_PAGE
    assert LITECOIN.finality.blocks == 24
    assert "and 24, about an hour, make it final" in LITECOINS_PAGE
