"""What Bitcoin's page tells operators is so: its example is valid settings, its messages are those of the program."""

import re
import tomllib
from pathlib import Path

import pytest

from chains.bitcoin.descriptor import Descriptor, parse
from chains.bitcoin.pool import MATURITY
from chains.bitcoin.source import open_bitcoin
from chains.waiting import MOST_WAITING
from config.loader import load_registry
from config.sections import ChainSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "chains" / "bitcoin.md").read_text("utf-8")
MAIN = load_registry().chain("bip122:000000000019d6689c085ae165831e93")
SAID = " ".join(path.read_text("utf-8") for folder in ("", "bitcoin/") for path in ROOT.glob(f"chains/{folder}*.py"))
OF_THE_NODE = {"Loading block index…", "Block not available (pruned data)", "-32601 Method not found", "refused:"}
APART = re.compile(r"\s*(?:…|:\s|\b\d+\b|bip122:\S*|(?<=confirms) )\s*")
"""What stands for something in the page or in the program: between it are the program's own words."""


def messages():
    return re.findall(r"^\| `([^`]+)` \|", PAGE[PAGE.index("## What can go wrong") :], re.MULTILINE)


async def test_the_example_is_valid_and_opens_a_source():
    [example] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    settings = ChainSettings(**tomllib.loads(example)["chains"][MAIN.id])
    assert isinstance(parse(settings.xpub), Descriptor)
    source = open_bitcoin(MAIN, settings)
    assert source.chain == MAIN.id
    await source.aclose()


@pytest.mark.parametrize("message", messages())
def test_every_message_is_in_words_that_the_program_says(message):
    for theirs in OF_THE_NODE:
        message = message.replace(theirs, "…")
    fragments = [fragment for fragment in APART.split(message) if fragment.strip(" .,")]
    assert [fragment for fragment in fragments if fragment not in SAID] == []


def test_the_page_has_messages():
    assert len(messages()) > 10


def test_every_method_that_the_program_calls_stands_in_the_white_list_and_no_other():
    [listed] = re.findall(r"^rpcwhitelist=usher:(.*)$", PAGE, re.MULTILINE)
    assert set(listed.split(",")) == set(re.findall(r'method="([a-z]+)"', SAID)) - {"identify"}


def test_the_depths_and_bounds_of_the_page_are_those_of_the_program():
    steps = MAIN.steps_for(MAIN.native.id)
    assert [(step.up_to, step.confirmations) for step in steps] == [(200_000, 1), (2_000_000, 2), (None, 3)]
    assert "1 up to 0.002 BTC, 2 up to 0.02 BTC, 3 above" in PAGE
    assert f"At most {MOST_WAITING} waiting transactions" in PAGE
    assert f"after {MATURITY} confirmations" in PAGE
    assert (MAIN.finality.blocks, MAIN.hold_cap.total_seconds()) == (6, 3 * 3600)
