"""The command line: every command helps, tells errors in a line with its status, and prints for people or programs."""

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from chains.account import HolderKey
from config.registry import Family, Network
from tests.support.config_files import RECEIVE, TEXT, XPRV
from usher.cli.app import MODULES, app
from usher.cli.exits import Exit
from usher.cli.output import show_record, show_rows

CHAIN = "eip155:31337"
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def usher(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def asked_for(*arguments):
    ran = usher(*arguments, "--json")
    assert ran.exit_code == Exit.OK, ran.output
    return json.loads(ran.stdout)


@pytest.fixture
def home(tmp_path):
    """A deployment that `usher init` made."""
    asked_for("init", "--directory", tmp_path / "home", "--network", "test", "--receive", RECEIVE)
    return tmp_path / "home"


@pytest.fixture
def config(home):
    return home / "usher.toml"


def subcommands(name):
    listed = usher(name, "--help").stdout.partition("Commands:")[2]
    return [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]


@pytest.mark.parametrize("name", MODULES)
def test_every_command_explains_itself_and_offers_json(name):
    helped = usher(name, "--help")
    assert helped.exit_code == Exit.OK
    inner = subcommands(name)
    for words in [(name, command) for command in inner] or [(name,)]:
        told = usher(*words, "--help").stdout
        assert "--json" in told, words


def test_an_unknown_command_or_option_is_a_usage_error():
    assert usher("nonsense").exit_code == Exit.USAGE
    assert usher("db", "check", "--nonsense").exit_code == Exit.USAGE


def test_init_makes_a_deployment_for_its_owners_eyes_only(home):
    modes = {path.relative_to(home): stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    assert modes.pop(type(home)("keys")) == 0o700
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert {"usher.toml", "usher.db", "keys/gate.secret", "keys/ticket.jwks", "keys/session.jwks"} <= {*map(str, modes)}


def test_init_refuses_to_overwrite(home, config):
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    again = usher("init", "--directory", home, "--network", "test")
    assert again.exit_code == Exit.FAILED
    assert "exists already and is left as it is" in again.stderr
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_init_with_everything_given_needs_nothing_more(tmp_path):
    made = asked_for(
        *("init", "--directory", tmp_path, "--network", "test", "--receive", RECEIVE, "--token", f"usdc={TOKEN}/6"),
        *(
            "--endpoint",
            "eip155:31337=http://127.0.0.1:9",
            "--public-url",
            "http://localhost:9000",
            "--name",
            'A "b" \\ c',
        ),
    )
    assert (made["to_do"], made["database"], made["next"]) == ([], "created", "usher doctor")


def test_init_names_the_lines_that_are_left_to_fill_in(tmp_path):
    made = asked_for("init", "--directory", tmp_path)
    assert made["database"] == "not yet"
    assert [reason.split(": ", 1)[1] for reason in made["to_do"]] == [
        'chains."eip155:1".endpoints: needs at least one',
        'chains."eip155:1".receive: is too short',
    ]


@pytest.mark.parametrize(
    "arguments",
    [("--chain", "eip155:5"), ("--endpoint", "http://x"), ("--token", "USDC"), ("--token", "USDC=0x/six")],
)
def test_init_refuses_what_it_does_not_understand_before_it_writes(tmp_path, arguments):
    ran = usher("init", "--directory", tmp_path / "new", "--network", "test", *arguments)
    assert ran.exit_code == Exit.USAGE
    assert not (tmp_path / "new").exists()


def test_db_upgrade_and_check(tmp_path):
    config = tmp_path / "usher.toml"
    config.write_text(TEXT)
    refused = usher("--config", config, "db", "check")
    assert refused.exit_code == Exit.CONFIGURATION
    assert "usher db upgrade" in refused.stderr
    assert asked_for("--config", config, "db", "upgrade")["changed"] is True
    assert asked_for("--config", config, "db", "upgrade")["changed"] is False
    assert asked_for("--config", config, "db", "check")["up_to_date"] is True


def test_db_restored_passes_over_what_may_have_been_shown(tmp_path):
    config = tmp_path / "usher.toml"
    config.write_text(TEXT)
    asked_for("--config", config, "db", "upgrade")
    assert asked_for("--config", config, "db", "restored", "--gap", "5") == [{"chain": CHAIN, "next_address": 5}]
    assert asked_for("--config", config, "db", "restored", "--gap", "5") == [{"chain": CHAIN, "next_address": 10}]
    config.write_text(TEXT.replace("xpub =", "# xpub ="))
    assert asked_for("--config", config, "db", "restored") == []


def test_wrong_settings_are_told_with_their_line_and_without_their_value(tmp_path):
    config = tmp_path / "usher.toml"
    config.write_text(TEXT.replace("xpub661", XPRV[:4] + "661"))
    ran = usher("--config", config, "keys", "list")
    assert ran.exit_code == Exit.CONFIGURATION
    assert "usher.toml:15: " in ran.stderr
    assert "PRIVATE" in ran.stderr
    assert "xprv" not in ran.output


def test_a_database_that_is_away_is_temporary(config, monkeypatch):
    monkeypatch.setenv("USHER_DATABASE__URL", "postgresql://usher:hidden@127.0.0.1:1/usher")
    ran = usher("--config", config, "db", "check")
    assert ran.exit_code == Exit.TEMPORARY
    assert "hidden" not in ran.output


def test_an_expected_error_shows_no_traceback(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "usher", "--config", tmp_path / "none.toml", "doctor"],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert ran.returncode == Exit.CONFIGURATION
    assert (
        ran.stderr.strip()
        == f"usher: {tmp_path}/none.toml: does not exist; `usher init` writes one, `--config` names another"
    )


def test_keys_are_listed_and_renewed(config):
    before = asked_for("--config", config, "keys", "list")
    assert {(key["kind"], key["state"]) for key in before} == {
        (kind, "signs") for kind in ("ticket", "revocations", "session")
    }
    renewed = asked_for("--config", config, "keys", "rotate", "ticket")
    after = asked_for("--config", config, "keys", "list")
    tickets = {key["kid"]: key["state"] for key in after if key["kind"] == "ticket"}
    old = next(key["kid"] for key in before if key["kind"] == "ticket")
    assert tickets == {renewed["kid"]: "signs", old: "verifies"}
    assert not any("d" in key for key in after)


def test_keys_that_others_can_read_are_refused(config, home):
    (home / "keys" / "ticket.jwks").chmod(0o644)
    ran = usher("--config", config, "keys", "list")
    assert ran.exit_code == Exit.CONFIGURATION
    assert "chmod 600" in ran.stderr


def test_the_gates_import_leaves_other_families_tools_alone():
    """`usher gate` must not pay for what only other commands need."""
    script = "import sys; from usher.cli.app import app; print([m for m in ('web3', 'alembic', 'aiohttp', 'eth_account') if m in sys.modules])"  # noqa: E501  one line for the interpreter
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


class Colour(StrEnum):
    RED = "red"


RECORD = {
    "amount": 10**30,
    "at": datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    "colour": Colour.RED,
    "holder": HolderKey(family=Family.EVM, network=Network.TEST, canonical=b"\x01" * 20),
    "nothing": None,
    "open": True,
    "secret": SecretStr("hidden"),
    "lines": "one\ntwo\tthree",
}


def test_json_output_is_exact(capsys):
    show_record(RECORD, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "amount": 10**30,
        "at": "2026-11-20T12:00:00Z",
        "colour": "red",
        "holder": f"evm:test:{'01' * 20}",
        "nothing": None,
        "open": True,
        "secret": "[redacted]",
        "lines": "one\ntwo\tthree",
    }


def test_a_pipe_gets_one_line_for_each_row_and_tabs_between_columns(capsys):
    show_rows([RECORD, RECORD], as_json=False, columns=("amount", "lines", "nothing", "open"))
    assert capsys.readouterr().out.splitlines() == [f"{10**30}\tone two three\t\tyes"] * 2


def test_no_rows_are_no_lines_for_a_pipe_and_an_empty_list_for_a_program(capsys):
    show_rows([], as_json=False)
    assert capsys.readouterr().out == ""
    show_rows([], as_json=True)
    assert json.loads(capsys.readouterr().out) == []
