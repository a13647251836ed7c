"""What Monero's page tells operators is so: its messages are those of the program."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "chains" / "monero.md").read_text("utf-8")
SAYING = [*ROOT.glob("chains/*.py"), *ROOT.glob("chains/monero/*.py"), ROOT / "monitor" / "resume.py"]
SAID = " ".join(path.read_text("utf-8") for path in SAYING)
APART = re.compile(r"\s*(?:…|\b\d+\b|\(|\)|\brefresh\b|(?<=speaks for )monero:|, not monero:)\s*")
"""What stands for something in the page or in the program: between it are the program's own words."""
OF_THE_NODE = re.compile(r"-\d+ (?:…|Command unavailable in restricted mode\.)")
"""monerod's and monero-wallet-rpc's own words, passed on behind ours."""


def messages():
    return re.findall(r"^\| `([^`]+)` \|", PAGE[PAGE.index("## What can go wrong") :], re.MULTILINE)


@pytest.mark.parametrize("message", messages())
def test_every_message_is_in_words_that_the_program_says(message):
    ours = OF_THE_NODE.sub("", message)
    fragments = [fragment for fragment in APART.split(ours) if fragment.strip(" .,:-")]
    assert fragments
    assert [fragment for fragment in fragments if fragment not in SAID] == []


def test_the_page_has_messages():
    assert len(messages()) > 10
