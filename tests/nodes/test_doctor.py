"""The doctor sees real nodes, a real coturn, and what is wrong with them."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from config.settings import load_settings
from tests.support.config_files import RECEIVE, TEXT
from tests.support.programs import free_port, listens, program, running, scratch
from usher.cli.app import app
from usher.cli.exits import Exit
from usher.doctor import endpoints, stun
from usher.doctor.finding import Level

DEV = "eip155:31337"


@pytest.fixture
def coturn():
    port, folder = free_port(), scratch("coturn")
    configuration = folder / "turnserver.conf"
    configuration.write_text(
        f"use-auth-secret\nstatic-auth-secret=turn-secret-of-the-tests\nrealm=example\nno-tls\nno-dtls\nno-cli\n"
        f"listening-ip=127.0.0.1\nlistening-port={port}\nlog-file={folder}/log\npidfile={folder}/pid\nuserdb={folder}/db\n"
    )
    with running([program("turnserver", variable="TURNSERVER"), "-c", str(configuration)], ready=lambda: listens(port)):
        yield port
    shutil.rmtree(folder, ignore_errors=True)


def settings(folder, **environ):
    file = folder / "usher.toml"
    file.write_text(TEXT)
    return load_settings(file, environ)


async def examined(folder, *urls, now=None):
    asked = settings(folder, USHER_CHAINS__EIP155_31337__ENDPOINTS=" ".join(urls))
    return await endpoints.examine(asked.registry(), asked.chains, now or datetime.now(UTC))


async def test_a_node_of_the_right_chain_is_well(anvil, tmp_path):
    node, clock = await examined(tmp_path, anvil.url)
    assert (node.level, clock.level) == (Level.OK, Level.OK)
    assert f"{DEV} at {anvil.height()}" in node.detail


async def test_a_node_of_another_chain_fails(anvils, tmp_path):
    node, _ = await examined(tmp_path, anvils(137).url)
    assert node.level is Level.FAILED
    assert "speaks for eip155:137, not for eip155:31337" in node.detail


async def test_a_node_that_is_away_fails_and_its_key_is_not_shown(tmp_path):
    node, clock = await examined(tmp_path, f"http://127.0.0.1:{free_port()}/v2/ENDPOINTKEY")
    assert node.level is Level.FAILED
    assert clock.level is Level.WARNING
    assert "ENDPOINTKEY" not in node.detail


async def test_a_clock_behind_the_chain_fails(anvil, tmp_path):
    newest = int(anvil.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    *_, clock = await examined(tmp_path, anvil.url, now=datetime.fromtimestamp(newest, UTC) - timedelta(minutes=2))
    assert clock.level is Level.FAILED
    assert "120 s behind" in clock.detail


async def test_a_late_node_of_a_main_network_is_named(anvils, tmp_path):
    node = anvils(1)
    text = TEXT.replace(DEV, "eip155:1").replace('network = "test"', 'network = "main"')
    file = tmp_path / "usher.toml"
    file.write_text(text.replace("http://127.0.0.1:8545/v2/ENDPOINTKEY", node.url))
    asked = load_settings(file, {})
    newest = int(node.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    later = datetime.fromtimestamp(newest, UTC) + timedelta(minutes=10)
    late, _ = await endpoints.examine(asked.registry(), asked.chains, later)
    assert late.level is Level.WARNING
    assert "600 s old" in late.detail


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_coturn_answers_a_binding_request(coturn, tmp_path, transport):
    uri = f"turn:127.0.0.1:{coturn}?transport={transport}"
    turn = settings(tmp_path, USHER_TURN__URIS=uri).turn
    (finding,) = await stun.examine(turn)
    assert (finding.level, finding.detail) == (Level.OK, f"{uri} answers")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_port_where_nobody_listens_fails(tmp_path, transport):
    turn = settings(tmp_path, USHER_TURN__URIS=f"turn:127.0.0.1:{free_port()}?transport={transport}").turn
    (finding,) = await stun.examine(turn)
    assert finding.level is Level.FAILED


async def test_something_that_is_no_turn_server_fails(anvil, tmp_path, monkeypatch):
    monkeypatch.setattr(stun, "SECONDS", 0.5)
    address = anvil.url.removeprefix("http://")
    (finding,) = await stun.examine(settings(tmp_path, USHER_TURN__URIS=f"turn:{address}?transport=tcp").turn)
    assert finding.level is Level.FAILED


def test_the_whole_report_has_a_line_for_each_thing_and_a_status(anvil, coturn, tmp_path, monkeypatch):
    runner, home = CliRunner(), tmp_path / "home"
    made = runner.invoke(
        app,
        [
            *("init", "--directory", str(home), "--network", "test", "--receive", RECEIVE),
            *("--endpoint", f"{DEV}={anvil.url}"),
        ],
    )
    assert made.exit_code == Exit.OK
    monkeypatch.setenv("USHER_TURN__URIS", f"turn:127.0.0.1:{coturn}")
    monkeypatch.setenv("USHER_TURN__SECRET", "turn-secret-of-the-tests")
    monkeypatch.setenv("USHER_TURN__REALM", "example")
    command = ["--config", str(home / "usher.toml"), "doctor"]
    well = runner.invoke(app, [*command, "--json"])
    assert well.exit_code == Exit.OK, well.output
    levels = {finding["subject"]: finding["level"] for finding in json.loads(well.stdout)}
    assert levels == {
        "settings": "ok",
        "database": "ok",
        "keys": "ok",
        "Local development chain addresses": "ok",
        "Local development chain node 1": "ok",
        "clock": "ok",
        "turn": "ok",
        "timestamp form": "warning",
    }
    (home / "keys" / "gate.secret").chmod(0o640)
    (home / "usher.toml").chmod(0o644)
    ill = runner.invoke(app, command)
    assert ill.exit_code == Exit.FAILED
    assert [line.split()[1] for line in ill.stdout.splitlines() if line.startswith("FAIL")] == ["settings", "keys"]
