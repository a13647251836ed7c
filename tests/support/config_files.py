"""A settings file that is right, for tests to break in one place."""

from pathlib import Path

from config.settings import Settings, load_settings

RECEIVE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
# BIP-32, test vector 1, chain m
XPUB = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"

TEXT = f"""\
network = "test"

[platform]
domains = ["tickets.example"]

[database]
url = "sqlite:///usher.db"

[keys]
directory = "keys"

[chains."eip155:31337"]
endpoints = ["http://127.0.0.1:8545/v2/ENDPOINTKEY"]
receive = "{RECEIVE}"
xpub = "{XPUB}"

[turn]
uris = ["turn:turn.example:3478"]
secret = "turn-secret-of-the-tests"
realm = "example"
ttl_seconds = 600
"""


def load(folder: Path, text: str = TEXT, **environ: str) -> Settings:
    """Write a settings file and load it with exactly this environment."""
    file = folder / "usher.toml"
    file.write_text(text, "utf-8")
    return load_settings(file, environ)
