"""The pages about chains: their settings are taken by the program, their links lead somewhere, their list is whole."""

import re
from pathlib import Path

import pytest

from chains.evm import source
from config.loader import load_entries
from config.registry import Network
from tests.support.config_files import load

FOLDER = Path(__file__).parents[2] / "docs" / "chains"
PAGES = sorted(page.name for page in FOLDER.glob("*.md"))
TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)")
SECTIONS = ["The node", "Settings", "What the buyer does", "What can go wrong"]
MAIN = {entry.alias: chain_id for chain_id, entry in load_entries().items() if entry.network is Network.MAIN}


@pytest.mark.parametrize("page", PAGES)
def test_every_example_of_settings_is_one_that_is_taken(tmp_path, page):
    for example in TOML.findall((FOLDER / page).read_text()):
        head = "" if "network =" in example else 'network = "main"\n[platform]\ndomains = ["tickets.example"]\n'
        load(tmp_path, head + example)


@pytest.mark.parametrize("page", [f"{alias}.md" for alias in MAIN])
def test_each_page_says_which_node_to_run_its_settings_what_the_buyer_does_and_what_can_go_wrong(page):
    text = re.sub(r"^```.*?^```$", "settings", (FOLDER / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    told = dict(part.split("\n", 1) for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])
    assert [title for title in told if title in SECTIONS] == SECTIONS
    assert [title for title in SECTIONS if len(told[title].split()) < 10] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_each_page_shows_its_settings(page):
    assert TOML.search((FOLDER / page).read_text())


def test_the_list_has_every_chain_with_its_id_and_its_page():
    listed = (FOLDER / "README.md").read_text()
    for alias, chain_id in MAIN.items():
        assert re.search(rf"\({alias}\.md\) \| `{re.escape(chain_id)}`", listed), alias


@pytest.mark.parametrize("page", [page for page in PAGES if page != "README.md"])
def test_the_links_of_a_page_lead_somewhere(page):
    for target in LINK.findall((FOLDER / page).read_text()):
        if "://" not in target:
            assert (FOLDER / target).resolve().exists(), target


def test_the_log_lines_that_a_page_explains_are_those_that_are_written():
    written = Path(source.__file__).read_text()
    explained = (FOLDER / "ethereum.md").read_text()
    for line in re.findall(r'self\._log\.\w+\(\s*"([^"]+)"', written):
        assert f"`{line}`" in explained
