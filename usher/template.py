"""The usher.toml that `usher init` writes: every setting a first deployment meets, explained. Pure text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.registry import Family, Network

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
# {receive_note}
receive = {receive}
"""

_RECEIVE_NOTES = {
    Family.EVM: "Where money arrives that is sent without an order's own address (EIP-55 spelling).",
    Family.BITCOIN: "Where money arrives that is sent without an order's own address.",
    Family.SOLANA: "Your wallet. Orders are told apart by a reference in the payment link, or by the memo.",
    Family.HIVE: "Your account. Orders are told apart by the memo, which the payment link fills in.",
    Family.MONERO: "The wallet's primary address. Each order gets an address of it.",
}

_XPUB = """\
# Watch-only key from which orders get their own addresses; without one, buyers must send the memo along.
{xpub}
"""

_MEMO_KEY = """\
# The account's private memo key, so that encrypted memos (those that begin with #) are read. It can spend nothing.
# memo_key = "5J…"
"""

_WALLET = """
[chains.{chain}.wallet]
# monero-wallet-rpc with a view-only wallet, which Usher makes from the view key. It can spend nothing.
endpoint = {endpoint}
# The private view key of `receive`. Better kept as the systemd credential chains.{alias}.wallet.view_key.
view_key = {view_key}
# What each order is paid to: a subaddress, or "integrated": the primary address with a payment id, for buyers who pay
# from exchanges that send to no subaddress. Whoever sees two of those can tell that they are of one wallet.
# orders = "subaddress"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainChoice:
    """One chain as `usher init` was told of it. What is missing is left for the operator to fill in."""

    id: str
    name: str
    alias: str = ""
    family: Family = Family.EVM
    endpoints: tuple[str, ...] = ()
    receive: str = ""
    xpub: str | None = None
    wallet: str = ""  # URL of monero-wallet-rpc
    view_key: str = field(default="", repr=False)
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
        receive_note=_RECEIVE_NOTES[chain.family],
        receive=_quoted(chain.receive),
    )
    match chain.family:
        case Family.EVM | Family.BITCOIN:
            text += _XPUB.format(xpub=f"xpub = {_quoted(chain.xpub)}" if chain.xpub else '# xpub = "xpub…"')
        case Family.HIVE:
            text += _MEMO_KEY
        case Family.MONERO:
            text += _WALLET.format(
                chain=_quoted(chain.id),
                alias=chain.alias.replace("-", "_"),
                endpoint=_quoted(chain.wallet),
                view_key=_quoted(chain.view_key),
            )
        case Family.SOLANA:
            pass
    if chain.tokens:
        text += f"\n[chains.{_quoted(chain.id)}.tokens]\n"
    for ticker, (contract, decimals) in chain.tokens.items():
        text += f"{ticker} = {{ contract = {_quoted(contract)}, decimals = {decimals} }}\n"
    return text


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON's escapes are a part of its own (TOML 1.0, String)."""
    return json.dumps(text, ensure_ascii=False)
