"""The settings' sections, one frozen record each, and what their values may be. Nothing is read here."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from config import checks
from config.loader import FinalityEntry, StepEntry, TokenEntry
from config.paths import state_directory
from config.xpub import require_watch_only


def _listed(value: Any) -> Any:
    """Read a list out of a variable or a credential: JSON, or words between commas or white space."""
    if not isinstance(value, str):
        return value
    return orjson.loads(value) if value.lstrip().startswith("[") else value.replace(",", " ").split()


Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of usher.toml: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """Where everything is stored."""

    url: Annotated[str, AfterValidator(checks.database_url), Field(repr=False)] = Field(
        default_factory=lambda: f"sqlite:///{state_directory() / 'usher.db'}", repr=False
    )  # SQLAlchemy URL, sqlite or postgresql


class PlatformSettings(Section):
    """Who sells."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = "Usher"
    domains: Annotated[
        tuple[Annotated[str, AfterValidator(checks.authority)], ...], BeforeValidator(_listed), Field(min_length=1)
    ]  # host[:port] as wallets show it when they sign
    commission_bps: Annotated[int, Field(ge=0, le=10_000)] = 2000  # 2000 = 20 %


def _endpoint(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class EndpointSettings(Section):
    """One node that answers for a chain. Its URL may hold an access key."""

    url: Annotated[SecretStr, AfterValidator(checks.endpoint)]
    requests_per_second: Count | None = None  # None: as fast as it answers


class WalletSettings(Section):
    """The view-only wallet that reads a Monero chain, behind monero-wallet-rpc. It can see payments and spend none."""

    endpoint: Annotated[EndpointSettings, BeforeValidator(_endpoint)]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = "usher"  # its file in the wallet folder
    password: SecretStr = SecretStr("")  # of that file
    view_key: Annotated[SecretStr, AfterValidator(checks.view_key)]  # private view key of `receive`
    orders: Literal["subaddress", "integrated"] = "subaddress"  # the kind of address that new orders get


class ChainSettings(Section):
    """A chain that is sold on, and what this deployment changes about it."""

    endpoints: Annotated[
        tuple[Annotated[EndpointSettings, BeforeValidator(_endpoint)], ...],
        BeforeValidator(_listed),
        Field(min_length=1),
    ]
    receive: Annotated[str, Field(min_length=1)]  # where money without an order's own address goes
    xpub: Annotated[str, AfterValidator(require_watch_only)] | None = None  # orders get own addresses from it
    wallet: WalletSettings | None = None  # Monero
    memo_key: Annotated[SecretStr, AfterValidator(checks.private_key)] | None = None  # Hive: with it `#` memos are read
    start_height: Annotated[int, Field(ge=0)] | None = None  # None: the tip of the first poll
    mint_steps: dict[str, tuple[StepEntry, ...]] = Field(default_factory=dict)  # by ticker
    finality: FinalityEntry | None = None
    checked_headers: bool = True  # False: a fork brought header fields that this release cannot hash yet
    agree_above: dict[str, str] = Field(default_factory=dict)  # by ticker: two endpoints must agree on blocks above
    address_range: Annotated[int, Field(ge=1, le=10_000)] = 100  # own addresses prepared ahead
    tokens: dict[str, TokenEntry] = Field(default_factory=dict)  # by ticker; test networks only


class GateLimits(Section):
    """What one client, wallet or ticket may ask of the gate."""

    body_bytes: Annotated[int, Field(ge=1024, le=16 * 2**20)] = 64 * 1024
    challenges_per_minute: Count = 30
    joins_per_minute: Count = 30
    joins_per_wallet_per_minute: Count = 10
    purchases_per_minute: Count = 20
    sockets_total: Count = 10_000
    sockets_per_ticket: Count = 2
    messages_per_second: Count = 20
    silence_seconds: Annotated[int, Field(ge=5, le=600)] = 45


class GateSettings(Section):
    """The HTTP door."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: Annotated[str, AfterValidator(checks.origin)] = "http://localhost:8080"
    origins: Annotated[tuple[Annotated[str, AfterValidator(checks.origin)], ...], BeforeValidator(_listed)] = ()
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_listed)] = ()
    timestamp_form: bool = True  # `Access event <id> at <timestamp>`; `usher doctor` says why to switch it off
    limits: GateLimits = GateLimits()


class PresenceSettings(Section):
    """The websocket of the rooms."""

    public_url: Annotated[str, AfterValidator(checks.websocket_url)]  # wss://host, without a path

    @classmethod
    def beside(cls, gate: GateSettings) -> "PresenceSettings":
        """Return the same host as the gate's, as a websocket."""
        return cls(public_url=gate.public_url.replace("http", "ws", 1))


class MetricsSettings(Section):
    """The Prometheus listener, apart from the public one."""

    host: str = "127.0.0.1"
    port: Port = 9464


class TurnSettings(Section):
    """coturn, with the secret it shares with the gate (`static-auth-secret`)."""

    uris: Annotated[
        tuple[Annotated[str, AfterValidator(checks.turn_uri)], ...], BeforeValidator(_listed), Field(min_length=1)
    ]
    secret: Annotated[SecretStr, Field(min_length=16)]
    ttl_seconds: Annotated[int, Field(ge=60, le=3600)] = 600
    realm: Annotated[str, Field(min_length=1)]


class LiveKitSettings(Section):
    """A LiveKit server, where one is used."""

    url: Annotated[str, AfterValidator(checks.websocket_url)]
    api_key: Annotated[str, Field(min_length=1)]
    api_secret: Annotated[SecretStr, Field(min_length=1)]


class RedisSettings(Section):
    """What several gates share that no database needs to keep: rate limits and who is in which room."""

    url: Annotated[SecretStr, AfterValidator(checks.redis_url)]  # it may hold a password
    silence_seconds: Annotated[int, Field(ge=1, le=300)] = 10  # a gate not heard of for so long is gone


class LogSettings(Section):
    """What is logged, and how."""

    format: Literal["auto", "json", "console"] = "auto"  # auto: console on a terminal, else JSON
    level: Literal["debug", "info", "warning", "error"] = "info"


class OrderSettings(Section):
    """How long places are kept."""

    hold_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    grace_minutes: Annotated[int, Field(ge=1, le=1440)] = 60  # of a ticket whose payment left the chain


class KeySettings(Section):
    """Where the signing keys stand, mode 0600."""

    directory: Path = Field(default_factory=lambda: state_directory() / "keys")
