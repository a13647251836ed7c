"""`usher run`, `usher watch`, `usher gate`: the services themselves."""

import asyncio

import typer

from config import logs
from config.settings import Settings
from usher.cli.context import opened_store, settings_of
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson

app = typer.Typer()


@app.command()
def run(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Watch the chains and open the gate, all in this process."""
    _serve(settings_of(context), watch=True, gate=True, as_json=as_json)


@app.command()
def watch(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Watch the chains: read payments, mint tickets, keep the book."""
    _serve(settings_of(context), watch=True, gate=False, as_json=as_json)


@app.command()
def gate(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Open the gate: the API, the door, and the rooms' sockets."""
    _serve(settings_of(context), watch=False, gate=True, as_json=as_json)


def _serve(settings: Settings, *, watch: bool, gate: bool, as_json: bool) -> None:
    """Run until told to stop. `--json` logs in JSON also on a terminal."""
    from usher import service  # noqa: PLC0415  aiohttp and the families, only where a service runs
    from usher.compose import House  # noqa: PLC0415

    log = settings.log.model_copy(update={"format": "json"}) if as_json else settings.log
    logs.configure(log)

    async def work() -> None:
        async with opened_store(settings) as store:
            await service.serve(House.of(settings, store), service.Parts(watch=watch, gate=gate))

    try:
        asyncio.run(work())
    except OSError as error:
        raise CommandError(f"cannot listen: {error.strerror or error}", Exit.FAILED) from error
