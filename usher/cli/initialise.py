"""`usher init`: a settings file to read and complete, fresh keys, and the database."""

import os
import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from config import paths
from config.clock import utc_now
from config.gate_secret import create_gate_secret
from config.loader import ChainEntry, load_entries
from config.registry import Network
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
Receive = Annotated[str, typer.Option(help="Your address on these chains, where money arrives.")]
Xpub = Annotated[str | None, typer.Option(help="Watch-only key, so that orders get their own addresses.")]
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
    receive: Receive = "",
    xpub: Xpub = None,
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
            network=network,
            ids=chain or [],
            endpoints=endpoint or [],
            receive=receive,
            xpub=xpub,
            tokens=token or [],
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


def _chains(
    *,
    network: Network,
    ids: list[str],
    endpoints: list[str],
    receive: str,
    xpub: str | None,
    tokens: list[str],
) -> tuple[ChainChoice, ...]:
    known = load_entries()
    urls = [_split(endpoint, "--endpoint", "CAIP-2=URL") for endpoint in endpoints]
    chosen = list(dict.fromkeys([*ids, *(chain_id for chain_id, _ in urls)])) or [FIRST_CHAIN[network]]
    for chain_id in chosen:
        if chain_id not in known:
            raise CommandError(f"--chain {chain_id}: unknown; there are {', '.join(known)}", Exit.USAGE)
    return tuple(
        ChainChoice(
            id=chain_id,
            name=known[chain_id].name,
            endpoints=tuple(url for of, url in urls if of == chain_id) or _local(known[chain_id]),
            receive=receive,
            xpub=xpub,
            tokens=dict(map(_token, tokens)) if known[chain_id].network is Network.TEST else {},
        )
        for chain_id in chosen
    )


def _local(entry: ChainEntry) -> tuple[str, ...]:
    return (LOCAL_NODE,) if entry.network is Network.TEST else ()


def _token(text: str) -> tuple[str, tuple[str, int]]:
    ticker, rest = _split(text, "--token", "TICKER=CONTRACT/DECIMALS")
    contract, _, decimals = rest.partition("/")
    if not decimals.isdecimal():
        raise CommandError(f"--token {text}: write TICKER=CONTRACT/DECIMALS", Exit.USAGE)
    return ticker.upper(), (contract, int(decimals))


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
