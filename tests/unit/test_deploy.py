"""What is shipped to run Usher with can be read by the programs it is for, and keeps its promises."""

import configparser
import ipaddress
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from config import sources
from config.settings import Settings
from gateway.operations.metrics import MetricsHub
from usher.cli.app import MODULES

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = YAML(typ="safe").load(ROOT / "docker-compose.yml")
RULES = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "usher.rules.yml")
TURN = (ROOT / "deploy" / "coturn" / "turnserver.conf").read_text()
OURS = ("gate", "watch", "upgrade")


class Unit(configparser.RawConfigParser):
    """A unit file: a key may stand several times, and its case counts."""

    def __init__(self, path):
        super().__init__(strict=False, comment_prefixes=("#", ";"), delimiters=("=",), allow_no_value=True)
        self.read(path)

    def optionxform(self, optionstr):
        return optionstr


def names(paths):
    return [path.name for path in paths]


@pytest.mark.parametrize("path", UNITS, ids=names(UNITS))
def test_a_unit_is_notified_watched_and_confined(path):
    service = Unit(path)["Service"]
    command = service["ExecStart"].split()
    assert command[0] == "/opt/usher/bin/usher"
    assert command[1] in MODULES
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) <= 60
    assert service["User"] == "usher"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    for promise in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "MemoryDenyWriteExecute"):
        assert service[promise] == "yes", promise


@pytest.mark.parametrize("path", UNITS, ids=names(UNITS))
def test_systemd_accepts_a_unit(path, tmp_path):
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        return  # a machine without systemd: the test above has read the unit
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace("/opt/usher/bin/usher", "/bin/true"))
    checked = subprocess.run([analyse, "verify", copy], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_two_units_on_one_machine_listen_on_different_ports():
    port = re.search(r"USHER_METRICS__PORT=(\d+)", (ROOT / "deploy" / "systemd" / "usher-watch.service").read_text())
    assert int(port[1]) != Settings.model_fields["metrics"].get_default(call_default_factory=True).port


def test_every_setting_that_the_deployment_names_is_one():
    """Typing errors in a unit or a compose file would otherwise show on the operator's machine."""
    named = set(COMPOSE["x-usher"]["environment"])
    for path in UNITS:
        named |= set(re.findall(r"USHER_[A-Z0-9_]+__[A-Z0-9_]+", path.read_text()))
    credentials = {secret["target"] for secret in COMPOSE["x-usher"]["secrets"]}
    for path in UNITS:
        credentials |= {line.split(":")[0] for line in re.findall(r"LoadCredential=(\S+)", path.read_text())}
    keys = [given.path for given in sources.from_environment(dict.fromkeys(named, "x"), Settings.model_fields).values()]
    keys += [tuple(credential.replace("eip155_1", "eip155:1").split(".")) for credential in credentials]
    for key in keys:
        _assert_setting(Settings, key)


def _assert_setting(model, path):
    for key in path:
        if not hasattr(model, "model_fields"):
            return
        assert key in model.model_fields, path
        annotation = model.model_fields[key].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next((candidate for candidate in candidates if hasattr(candidate, "model_fields")), None)
        if str(annotation).startswith("dict"):
            return


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_container_is_confined(name):
    service = COMPOSE["services"][name]
    assert service["user"] not in ("root", "0", "0:0")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "environment" not in service or not any(
        "PASSWORD" in key and "FILE" not in key for key in service["environment"]
    )
    if name != "upgrade":
        assert service["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_commands_that_exist(name):
    assert COMPOSE["services"][name]["command"][0] in MODULES


def test_secrets_reach_containers_as_files():
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in COMPOSE["services"].values()
        for secret in service.get("secrets", [])
    }
    assert used == set(COMPOSE["secrets"])


def test_the_image_runs_as_nobody_in_particular():
    text = (ROOT / "Dockerfile").read_text()
    assert text.count("\nFROM ") + text.startswith("FROM ") == 2
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE) == ["10001"]
    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied <= allowed
    assert {
        "chains",
        "config",
        "gateway",
        "memo",
        "monitor",
        "payouts",
        "store",
        "tickets",
        "usher",
        "verifier",
    } <= copied


def test_every_alert_asks_for_a_metric_that_exists():
    hub = MetricsHub()
    known = {family.name for family in text_string_to_metric_families(hub.render().decode())} | {"up"}
    alerts = [rule for group in RULES["groups"] for rule in group["rules"]]
    for alert in alerts:
        asked = set(re.findall(r"\b(usher_\w+|up)\b(?=[\s{\[=])", alert["expr"]))
        assert asked
        assert {re.sub(r"_(total|count|bucket|sum)$", "", metric) for metric in asked} <= known, alert["alert"]
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
        *("::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "0.1.2.3", "64:ff9b::7f00:1", "2002:7f00:1::1"),
    ],
)
def test_the_relay_is_no_way_into_private_networks(address):
    assert denied(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "172.32.0.1", "192.169.0.1", "2606:4700::1111", "100.128.0.1"])
def test_the_relay_reaches_the_public_internet(address):
    assert not denied(address)


def denied(address):
    wanted = ipaddress.ip_address(address)
    for line in re.findall(r"^denied-peer-ip=(\S+)$", TURN, re.MULTILINE):
        first, _, last = line.partition("-")
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
        if low.version == wanted.version and low <= wanted <= high:
            return True
    return False


def test_the_relay_is_limited_and_needs_credentials():
    for line in (
        r"use-auth-secret",
        r"user-quota=\d+",
        r"total-quota=\d+",
        r"max-bps=\d+",
        r"no-multicast-peers",
        r"no-cli",
    ):
        assert re.search(f"^{line}$", TURN, re.MULTILINE), line
    assert not re.search(r"^static-auth-secret", TURN, re.MULTILINE)
