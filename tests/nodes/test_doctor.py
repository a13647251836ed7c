"""The doctor sees real nodes, a real coturn, and what is wrong with them."""

import json
import shutil
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from config.settings import load_settings
from tests.support.bitcoind_proxy import lying_bitcoind
from tests.support.config_files import RECEIVE, TEXT
from tests.support.driver_bitcoin import REGTEST, shared_bitcoind
from tests.support.lying_node import allow, truth, without
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


def of_version(version):
    return lambda method, _params, result: {**result, "version": version} if method == "getnetworkinfo" else result


@pytest.mark.parametrize(
    ("versions", "warned"),
    [
        ((None, None), False),  # as the real node tells it
        ((None, 240200), True),
        ((240200, 249999, None), True),
        ((240200, 240200), False),  # they agree: neither tells
        ((None, 250000), False),
        ((240200,), False),
    ],
)
async def test_bitcoin_nodes_that_will_not_agree_about_senders_are_named(tmp_path, versions, warned):
    node = shared_bitcoind()
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(lying_bitcoind(node.url)) for _ in versions]
        for proxy, version in zip(proxies, versions, strict=True):
            proxy.twist = truth if version is None else of_version(version)
        found = await bitcoin_examined(tmp_path, *(proxy.url for proxy in proxies))
    assert [finding.level for finding in found if finding.subject.startswith("Bitcoin regtest node ")] == ["ok"] * len(
        versions
    )
    told = [finding for finding in found if finding.subject == "Bitcoin regtest nodes"]
    assert [finding.level for finding in told] == [Level.WARNING] * warned
    old = " and ".join(str(place) for place, version in enumerate(versions, 1) if version and version < 250000)
    assert all(finding.detail.startswith(f"node {old} is older than version 25") for finding in told)


async def test_a_bitcoin_node_that_keeps_its_version_to_itself_is_well(tmp_path):
    async with lying_bitcoind(shared_bitcoind().url) as silent, lying_bitcoind(shared_bitcoind().url) as old:
        silent.deny, old.twist = without("getnetworkinfo"), of_version(240200)
        *nodes, _clock = await bitcoin_examined(tmp_path, silent.url, old.url)
        assert [finding.level for finding in nodes] == [Level.OK] * 2
        silent.deny, silent.dies_of = allow, {"getnetworkinfo"}
        *nodes, _clock = await bitcoin_examined(tmp_path, silent.url, old.url)
        assert [finding.level for finding in nodes] == [Level.OK] * 2


@pytest.mark.parametrize("time", [10**13, 10**17, 10**18, -(10**18)])
async def test_a_node_whose_time_no_calendar_has_is_named_and_breaks_nothing(tmp_path, time):
    async with lying_bitcoind(shared_bitcoind().url) as node:
        node.twist = lambda _method, _params, result: (
            {**result, "time": time} if isinstance(result, dict) and "time" in result else result
        )
        found, *_ = await bitcoin_examined(tmp_path, node.url)
    assert (found.level, "not the answer of a node" in found.detail) == (Level.FAILED, True)


async def bitcoin_examined(folder, *urls):
    text = TEXT.replace(DEV, REGTEST).replace(RECEIVE, shared_bitcoind().address())
    file = folder / "usher.toml"
    file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("xpub")))
    asked = load_settings(file, {"USHER_CHAINS__BIP122_0F9188F13CB7B2C71F2A335E3A4FC328__ENDPOINTS": " ".join(urls)})
    return await endpoints.examine(asked.registry(), asked.chains, datetime.now(UTC))


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
