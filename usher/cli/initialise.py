"""`usher init`: a settings file to read and complete, fresh keys, and the database."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from config import paths
from config.clock import utc_now
from config.gate_secret import create_gate_secret
from config.loader import ChainEntry, load_entries
from config.registry import Family, Network
from config.settings import SettingsError, load_settings
from store.errors import StoreUnavailableError
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_record
from usher.template import ChainChoice, Choices, settings_text

app = typer.Typer()

FIRST_CHAIN = {Network.MAIN: "eip155:1", Network.TEST: "eip155:31337"}
LOCAL_NODE = "http://127.0.0.1:8545"

Directory = Annotated[Path | None, typer.Option(help="Put everything here, rather than where the system has it.")]
Networks = Annotated[Network, typer.Option(help="main: money; test: play money.")]
ChainIds = Annotated[list[str] | None, typer.Option("--chain", metavar="CAIP-2", help="A chain to sell on.")]
Endpoints = Annotated[
    list[str] | None, typer.Option("--endpoint", metavar="CAIP-2=URL", help="A node that answers for a chain.")
]
Receive = Annotated[
    list[str] | None,
    typer.Option(metavar="[CAIP-2=]ADDRESS", help="Your address on these chains, or on one of them; repeatable."),
]
Xpub = Annotated[
    list[str] | None,
    typer.Option(metavar="[CAIP-2=]KEY", help="Watch-only key (EVM, Bitcoin): orders get their own addresses."),
]
Wallet = Annotated[
    list[str] | None,
    typer.Option("--wallet", metavar="CAIP-2=URL", help="Monero: the monero-wallet-rpc that watches for us."),
]
ViewKey = Annotated[
    list[str] | None,
    typer.Option("--view-key-file", metavar="CAIP-2=FILE", help="Monero: a file with the private view key."),
]
Tokens = Annotated[
    list[str] | None,
    typer.Option("--token", metavar="TICKER=CONTRACT/DECIMALS", help="A token of a test network."),
]
PublicUrl = Annotated[str, typer.Option(help="How visitors reach the gate.")]
Database = Annotated[str | None, typer.Option(help="SQLAlchemy URL; a SQLite file by default.")]


@app.command("init")
def initialise(
    *,
    directory: Directory = None,
    network: Networks = Network.MAIN,
    chain: ChainIds = None,
    endpoint: Endpoints = None,
    receive: Receive = None,
    xpub: Xpub = None,
    wallet: Wallet = None,
    view_key_file: ViewKey = None,
    token: Tokens = None,
    name: Annotated[str, typer.Option(help="The platform's name.")] = "Usher",
    host: Annotated[str, typer.Option(help="The address the gate listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port the gate listens on.")] = 8080,
    metrics_port: Annotated[int, typer.Option(help="The port of /metrics.")] = 9464,
    public_url: PublicUrl = "",
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write a settings file, make keys and create the database. What is already there is left alone."""
    os.umask(0o077)  # all of it is for its owner's eyes only
    home = directory.absolute() if directory else None
    file = (home or paths.config_directory()) / paths.CONFIG_FILE
    if file.exists():
        raise CommandError(f"{file} exists already and is left as it is; edit it, or name another --directory")
    state = home or paths.state_directory()
    url = public_url or f"http://localhost:{port}"
    choices = Choices(
        network=network,
        name=name,
        domain=urlsplit(url).netloc,
        database=database or (f"sqlite:///{'usher.db' if home else state / 'usher.db'}"),
        keys="keys" if home else str(state / "keys"),
        host=host,
        port=port,
        metrics_port=metrics_port,
        public_url=url,
        turn_secret=secrets.token_hex(32),
        chains=_chains(
            network,
            _Told(
                ids=chain or [],
                endpoints=_by_chain(endpoint or [], "--endpoint", "CAIP-2=URL"),
                receive=_by_chain(receive or [], "--receive"),
                xpub=_by_chain(xpub or [], "--xpub"),
                wallets=_by_chain(wallet or [], "--wallet", "CAIP-2=URL"),
                view_keys=_by_chain(view_key_file or [], "--view-key-file", "CAIP-2=FILE"),
                tokens=dict(map(_token, token or [])),
            ),
        ),
    )
    keys = _make_keys(state)
    _write(file, settings_text(choices))
    unfinished = _unfinished(file)
    created = not unfinished and _create_database(file)
    todo = "usher doctor" if created else "usher db upgrade; usher doctor"
    show_record(
        {
            "settings": file,
            "keys": keys,
            "database": "created" if created else "not yet",
            "to_do": unfinished,
            "next": f"edit {file}, then run: {todo}" if unfinished else todo,
        },
        as_json=as_json,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What the options said of chains: lists of (chain, value), where no chain means all of them."""

    ids: Sequence[str]
    endpoints: Sequence[tuple[str | None, str]]
    receive: Sequence[tuple[str | None, str]]
    xpub: Sequence[tuple[str | None, str]]
    wallets: Sequence[tuple[str | None, str]]
    view_keys: Sequence[tuple[str | None, str]]  # files
    tokens: Mapping[str, tuple[str, int]]

    @property
    def named(self) -> Iterator[str]:
        """Every chain that an option names."""
        yield from self.ids
        for said in (self.endpoints, self.receive, self.xpub, self.wallets, self.view_keys):
            yield from (chain for chain, _ in said if chain is not None)


def _chains(network: Network, told: _Told) -> tuple[ChainChoice, ...]:
    known = load_entries()
    chosen = list(dict.fromkeys(told.named)) or [FIRST_CHAIN[network]]
    for chain_id in chosen:
        if chain_id not in known:
            raise CommandError(f"--chain {chain_id}: unknown; there are {', '.join(known)}", Exit.USAGE)
    return tuple(_chosen(chain_id, known[chain_id], told) for chain_id in chosen)


def _chosen(chain_id: str, entry: ChainEntry, told: _Told) -> ChainChoice:
    return ChainChoice(
        id=chain_id,
        name=entry.name,
        alias=entry.alias,
        family=entry.family,
        endpoints=tuple(url for of, url in told.endpoints if of == chain_id) or _local(entry),
        receive=_of(told.receive, chain_id) or "",
        xpub=_of(told.xpub, chain_id) if entry.family in {Family.EVM, Family.BITCOIN} else None,
        wallet=_of(told.wallets, chain_id) or "",
        view_key=_secret(_of(told.view_keys, chain_id)),
        tokens=told.tokens if entry.network is Network.TEST and entry.family in {Family.EVM, Family.SOLANA} else {},
    )


def _of(said: Sequence[tuple[str | None, str]], chain_id: str) -> str | None:
    """Return what was said of this chain, else what was said of all."""
    return next((value for of in (chain_id, None) for named, value in said if named == of), None)


def _secret(file: str | None) -> str:
    if file is None:
        return ""
    try:
        return Path(file).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise CommandError(f"--view-key-file: {file} cannot be read ({type(error).__name__})", Exit.USAGE) from None


def _local(entry: ChainEntry) -> tuple[str, ...]:
    return (LOCAL_NODE,) if entry.network is Network.TEST and entry.family is Family.EVM else ()


def _token(text: str) -> tuple[str, tuple[str, int]]:
    ticker, rest = _split(text, "--token", "TICKER=CONTRACT/DECIMALS")
    contract, _, decimals = rest.partition("/")
    if not decimals.isdecimal():
        raise CommandError(f"--token {text}: write TICKER=CONTRACT/DECIMALS", Exit.USAGE)
    return ticker.upper(), (contract, int(decimals))


def _by_chain(texts: Sequence[str], option: str, form: str | None = None) -> list[tuple[str | None, str]]:
    """Read `CAIP-2=VALUE`; where no form is demanded, a bare value is meant for every chain."""
    read: list[tuple[str | None, str]] = []
    for text in texts:
        bare = form is None and text.partition("=")[0] not in load_entries()
        read.append((None, text) if bare else _split(text, option, form or "[CAIP-2=]VALUE"))
    return read


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator and value):
        raise CommandError(f"{option} {text}: write {form}", Exit.USAGE)
    return key, value


def _make_keys(state: Path) -> Path:
    from tickets.keys import Keyring  # noqa: PLC0415  cryptography, only where keys are made

    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = state / "keys"
    Keyring.create(directory, now=utc_now())
    create_gate_secret(directory)
    return directory


def _write(file: Path, text: str) -> None:
    """Write the settings for their owner's eyes only; somebody who was faster wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{file} exists already and is left as it is") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def _unfinished(file: Path) -> list[str]:
    """Return what the operator has yet to fill in."""
    try:
        load_settings(file)
    except SettingsError as error:
        return str(error).splitlines()
    return []


def _create_database(file: Path) -> bool:
    """Make the tables; False: the server is not there yet, and `usher db upgrade` does it later."""
    from store import revision  # noqa: PLC0415  alembic

    try:
        with revision.engine_at(load_settings(file).database.url) as engine:
            revision.upgrade(engine)
    except StoreUnavailableError:
        return False
    return True
