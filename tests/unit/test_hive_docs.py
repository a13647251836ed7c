"""What Hive's page tells operators is so: its example is valid settings, its messages are those of the program."""

import re
import tomllib
from pathlib import Path

import pytest

from chains.hive.memo import MemoKey
from chains.hive.source import open_hive
from config.sections import ChainSettings
from tests.support.hive_node import hive_chain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "chains" / "hive.md").read_text("utf-8")
MAIN = "hive:beeab0de000000000000000000000000"
SAYING = [*ROOT.glob("chains/*.py"), *ROOT.glob("chains/hive/*.py")]


SAID = " ".join(path.read_text("utf-8") for path in SAYING)
APART = re.compile(r"\s*(?:…|:\s|\b\d+\b|account_history_api\S*|hive:\S*|(?<=confirms) )\s*")
"""What stands for something in the page or in the program: between it are the program's own words."""


def messages():
    return re.findall(r"^\| `([^`]+)` \|", PAGE[PAGE.index("## What can go wrong") :], re.MULTILINE)


async def test_the_example_is_valid_and_opens_a_source():
    [example] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    settings = ChainSettings(**tomllib.loads(example)["chains"][MAIN])
    assert MemoKey.of(settings.memo_key.get_secret_value())
    source = open_hive(hive_chain(MAIN), settings)
    assert source.chain == MAIN
    await source.aclose()


@pytest.mark.parametrize("message", messages())
def test_every_message_is_in_words_that_the_program_says(message):
    fragments = [fragment for fragment in APART.split(message) if fragment.strip(" .,")]
    assert fragments
    assert [fragment for fragment in fragments if fragment not in SAID] == []


def test_the_page_has_messages():
    assert len(messages()) > 10
