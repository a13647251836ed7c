"""The nodes that tests run against: an old one is refused, wherever it was found. Monero's: test_monero_programs.py."""

import pytest

from tests.support.anvil import anvil_path
from tests.support.bitcoind import bitcoind_path
from tests.support.litecoind import litecoind_path
from tests.support.programs import OutdatedProgramError

NODES = {  # where each is looked for, the variable that names another one, what an old and a newer one say
    "anvil": (anvil_path, "ANVIL", "anvil Version: 1.6.9", "anvil Version: 1.10.0-dev"),
    "bitcoind": (bitcoind_path, "BITCOIND", "Bitcoin Core version v26.9.1", "Bitcoin Core version v27.0.0"),
    "knots": (
        bitcoind_path, "BITCOIND", "Bitcoin Knots daemon version v0.21.2",
        "Bitcoin Knots daemon version v29.5.0.knots20260508",
    ),
    "litecoind": (litecoind_path, "LITECOIND", "Litecoin Core version v0.18.1", "Litecoin Core version v0.21.4.0"),
}  # fmt: skip


def program_that_says(folder, words):
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho '{words}'\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("nonsense", ["nothing", "", None])
def test_an_old_node_or_none_at_all_is_refused_and_named(tmp_path, monkeypatch, name, nonsense):
    look, variable, old, _ = NODES[name]
    words = old if nonsense is None else nonsense
    path = program_that_says(tmp_path, words)
    monkeypatch.setenv(variable, path)
    with pytest.raises(OutdatedProgramError, match="or newer is needed: run `make nodes`") as caught:
        look.__wrapped__()
    assert path in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", NODES)
def test_an_old_node_on_the_path_is_refused_as_well(tmp_path, monkeypatch, name):
    look, variable, old, _ = NODES[name]
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(f"{look.__module__}.program", lambda *_, **__: program_that_says(tmp_path, old))
    with pytest.raises(OutdatedProgramError):
        look.__wrapped__()


@pytest.mark.parametrize("name", NODES)
def test_a_newer_one_is_taken(tmp_path, monkeypatch, name):
    look, variable, _, newer = NODES[name]
    path = program_that_says(tmp_path, newer)
    monkeypatch.setenv(variable, path)
    assert look.__wrapped__() == path


@pytest.mark.parametrize("name", NODES)
def test_the_one_that_runs_here_is_new_enough(name):
    assert NODES[name][0]()
