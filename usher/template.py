"""The usher.toml that `usher init` writes: every setting a first deployment meets, explained. Pure text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.registry import Network

_HEAD = """\
# Usher's settings. Every key can also be set by the environment (USHER_GATE__PORT=8080) or, for secrets, by a
# systemd credential named after it (turn.secret). `usher doctor` checks all of it.

# main: money. test: play money; the two never share a deployment.
network = {network}

[platform]
name = {name}
# What wallets show when they ask for a signature: the host[:port] of the pages that open the door.
domains = [{domain}]
# Of each sale, in hundredths of a percent. An event may have its own.
commission_bps = 2000

[database]
# sqlite:///file (relative to this one) or postgresql://user:password@host/name
url = {database}

[keys]
directory = {keys}

[gate]
host = {host}
port = {port}
public_url = {public_url}
# Pages on other origins that may call the API; events add their own.
origins = []
# Reverse proxies whose X-Forwarded-For is believed, as networks. Empty: nobody's.
trusted_proxies = []
# The form `Access event <id> at <timestamp>`, which older pages sign. Switch it off when none is left: such a text
# names no domain, so a page elsewhere can have it signed and use it here.
timestamp_form = true

[orders]
hold_minutes = 15

[metrics]
host = "127.0.0.1"
port = {metrics_port}

[log]
format = "auto" # json, console; auto: console on a terminal
level = "info"
"""

_TURN = """
# TURN for visitors behind strict firewalls: the same secret stands in coturn's static-auth-secret.
# [turn]
# uris = ["turn:turn.example:3478?transport=udp", "turn:turn.example:3478?transport=tcp"]
# secret = {secret}
# realm = {domain}
"""

_REDIS = """
# Where several gates run side by side on one PostgreSQL: they share rate limits and rooms through it.
# [redis]
# url = "redis://localhost:6379/0"
"""

_CHAIN = """
[chains.{chain}]
# Nodes that answer for {name}. Two or more let Usher fail over, and check one against the other.
endpoints = [{endpoints}]
# Where money arrives that is sent without an order's own address (EIP-55 spelling).
receive = {receive}
# Watch-only key from which orders get their own addresses; without one, buyers must send the memo along.
{xpub}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainChoice:
    """One chain as `usher init` was told of it. What is missing is left for the operator to fill in."""

    id: str
    name: str
    endpoints: tuple[str, ...] = ()
    receive: str = ""
    xpub: str | None = None
    tokens: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # ticker: contract, decimals


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What goes into a first usher.toml."""

    network: Network
    name: str
    domain: str
    database: str
    keys: str
    host: str
    port: int
    metrics_port: int
    public_url: str
    turn_secret: str = field(repr=False)
    chains: tuple[ChainChoice, ...]


def settings_text(choices: Choices) -> str:
    """Return the text of usher.toml."""
    parts = [
        _HEAD.format(
            network=_quoted(choices.network),
            name=_quoted(choices.name),
            domain=_quoted(choices.domain),
            database=_quoted(choices.database),
            keys=_quoted(choices.keys),
            host=_quoted(choices.host),
            port=choices.port,
            metrics_port=choices.metrics_port,
            public_url=_quoted(choices.public_url),
        ),
        _TURN.format(secret=_quoted(choices.turn_secret), domain=_quoted(choices.domain.partition(":")[0])),
        _REDIS,
        *(_chain(chain) for chain in choices.chains),
    ]
    return "".join(parts)


def _chain(chain: ChainChoice) -> str:
    text = _CHAIN.format(
        chain=_quoted(chain.id),
        name=chain.name,
        endpoints=", ".join(_quoted(url) for url in chain.endpoints),
        receive=_quoted(chain.receive),
        xpub=f"xpub = {_quoted(chain.xpub)}" if chain.xpub else '# xpub = "xpub…"',
    )
    if chain.tokens:
        text += f"\n[chains.{_quoted(chain.id)}.tokens]\n"
    for ticker, (contract, decimals) in chain.tokens.items():
        text += f"{ticker} = {{ contract = {_quoted(contract)}, decimals = {decimals} }}\n"
    return text


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are a part of its own (TOML 1.0, String)."""
    return json.dumps(text, ensure_ascii=False)
