"""The bitcoind that tests run against: an old one is refused, wherever it was found."""

import pytest

from tests.support.bitcoind import OutdatedProgramError, bitcoind_path, new_enough


def program_that_says(folder, version):
    path = folder / "bitcoind"
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "version",
    ["Bitcoin Core version v22.0.0", "Bitcoin Core version v26.9.1", "Bitcoin Knots daemon version v0.21.2", "nothing"],
)
def test_an_old_node_is_refused_and_named(tmp_path, version):
    with pytest.raises(OutdatedProgramError, match="27 or newer is needed") as caught:
        new_enough(program_that_says(tmp_path, version))
    assert version in str(caught.value)


@pytest.mark.parametrize(
    "version", ["Bitcoin Core version v27.0.0", "Bitcoin Knots daemon version v29.5.0.knots20260508", "x version 100.1"]
)
def test_a_newer_one_is_taken(tmp_path, version):
    path = program_that_says(tmp_path, version)
    assert new_enough(path) == path


def test_the_environment_names_another_one_and_the_old_is_refused_there_too(tmp_path, monkeypatch):
    monkeypatch.setenv("BITCOIND", program_that_says(tmp_path, "Bitcoin Core version v0.13.2"))
    with pytest.raises(OutdatedProgramError):
        bitcoind_path.__wrapped__()
