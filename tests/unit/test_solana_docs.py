"""What Solana's page tells operators is so: its example is valid, its methods and messages are the program's."""

import re
import tomllib
from pathlib import Path

import pytest

from chains.solana.reference import is_wallet
from chains.solana.source import open_solana
from config.deployment import agreement_thresholds
from config.loader import load_registry
from config.sections import ChainSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "chains" / "solana.md").read_text("utf-8")
MAIN = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
SAYING = [
    *ROOT.glob("chains/*.py"),
    *ROOT.glob("chains/solana/*.py"),
    *ROOT.glob("tests/nodes/solana/*.py"),  # a node's own words, as the emulation of one says them
]
SAID = " ".join(path.read_text("utf-8") for path in SAYING)
APART = re.compile(r"\s*(?:…|refused: -\d+ |\b\d+\b|solana:\S*|(?<=confirms) |\(2\))\s*|, (?=final)")
"""What stands for something in the page or in the program: between it are the program's own words."""
OF_OTHER_NODES = {"Transaction history is not available from this node"}  # the emulated one has a history


def messages():
    return re.findall(r"^\| `([^`]+)` \|", PAGE[PAGE.index("## What can go wrong") :], re.MULTILINE)


async def test_the_example_is_valid_and_opens_a_source():
    [example] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    settings = ChainSettings(**tomllib.loads(example)["chains"][MAIN])
    chain = load_registry().chain(MAIN)
    assert is_wallet(settings.receive)
    assert set(agreement_thresholds(chain, settings)) == {asset.id for asset in chain.assets}
    source = open_solana(chain, settings)
    assert source.chain == MAIN
    await source.aclose()


def test_the_methods_that_a_node_must_serve_are_those_that_it_is_asked_for():
    asked = set()
    for path in ROOT.glob("chains/solana/*.py"):
        text = path.read_text("utf-8")
        asked |= set(re.findall(r'(?:method=|\.call\()"(\w+)"', text))
    told = set(re.findall(r"`(get\w+)`", PAGE))
    assert told == asked


@pytest.mark.parametrize("message", messages())
def test_every_message_is_in_words_that_the_program_says(message):
    fragments = [fragment for fragment in APART.split(message) if fragment.strip(" .,")]
    assert fragments
    assert [fragment for fragment in fragments if fragment not in SAID and fragment not in OF_OTHER_NODES] == []


def test_the_page_has_messages():
    assert len(messages()) > 10
