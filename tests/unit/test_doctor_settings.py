"""Settings that are allowed and unwise: the doctor says which, and says nothing of those that are well."""

import pytest

from config.settings import load_settings
from usher.doctor import local

SETTINGS = """
network = "test"
[platform]
domains = ["house.test"]
[gate]
public_url = "{url}"
{gate}
[chains."eip155:31337"]
endpoints = ["http://127.0.0.1:8545"]
receive = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
"""


def subjects(folder, *, url="https://house.test", gate=""):
    file = folder / "usher.toml"
    file.write_text(SETTINGS.format(url=url, gate=gate))
    findings = local.unwise(load_settings(file, {"HOME": str(folder)}))
    return [finding.subject for finding in findings if finding.subject not in {"turn", "timestamp form"}]


@pytest.mark.parametrize(
    ("url", "gate", "expected"),
    [
        ("https://house.test", "", ["proxies"]),
        ("https://house.test", 'trusted_proxies = ["127.0.0.1/32"]', []),
        ("http://localhost:8080", "", []),
    ],
)
def test_a_gate_behind_a_proxy_that_it_does_not_know_is_warned_about(tmp_path, url, gate, expected):
    assert subjects(tmp_path, url=url, gate=gate) == expected


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        (["https://house.test"], []),
        (["https://page.test"], ["origins"]),
        (["https://page.test", "https://house.test", "https://house.test:8443"], ["origins", "origins"]),
    ],
)
def test_a_page_that_may_ask_but_not_have_anything_signed_is_warned_about(tmp_path, origins, expected):
    gate = f"origins = {origins}\ntrusted_proxies = ['127.0.0.1/32']"
    assert subjects(tmp_path, gate=gate) == expected
