"""What Ethereum's page tells operators of every EVM chain is so: its messages are those of the program."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "chains" / "ethereum.md").read_text("utf-8")
SAYING = [*ROOT.glob("chains/*.py"), *ROOT.glob("chains/evm/*.py"), ROOT / "monitor" / "resume.py"]
SAID = " ".join(path.read_text("utf-8") for path in SAYING)
APART = re.compile(r"\s*(?:…|0x…|\b\d+\b|eip155:\d+|, not |(?<=confirms) )\s*")
"""What stands for something in the page or in the program: between it are the program's own words."""


def messages():
    return re.findall(r"^\| `([^`]+)` \|", PAGE[PAGE.index("## What can go wrong") :], re.MULTILINE)


@pytest.mark.parametrize("message", messages())
def test_every_message_is_in_words_that_the_program_says(message):
    fragments = [fragment for fragment in APART.split(message) if fragment.strip(" .,:-")]
    assert fragments
    assert [fragment for fragment in fragments if fragment not in SAID] == []


def test_the_page_has_messages():
    assert len(messages()) > 8
