"""`usher doctor`: one line for each thing that could be wrong, and a status that says whether anything is."""

import asyncio
import sys

import typer

from config import paths
from config.clock import utc_now
from config.settings import Settings
from usher.cli.context import Invocation, settings_of
from usher.cli.exits import Exit
from usher.cli.output import AsJson, show_json
from usher.doctor import endpoints, local, stun
from usher.doctor.finding import Finding, Level

app = typer.Typer()

MARKS = {Level.OK: "ok", Level.WARNING: "warn", Level.FAILED: "FAIL"}
COLOURS = {Level.OK: typer.colors.GREEN, Level.WARNING: typer.colors.YELLOW, Level.FAILED: typer.colors.RED}


@app.command("doctor")
def examine(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Look the deployment over: settings, database, nodes, keys, clock and TURN. Fails if anything does not work."""
    settings = settings_of(context)
    file = (context.find_object(Invocation) or Invocation()).config or paths.config_file()
    findings = [
        local.settings_file(file),
        local.database(settings),
        local.keys(settings),
        *local.addresses(settings),
        *asyncio.run(_asked(settings)),
        *local.unwise(settings),
    ]
    if as_json:
        show_json(findings)
    else:
        _print(findings)
    if any(finding.level is Level.FAILED for finding in findings):
        raise typer.Exit(Exit.FAILED)


async def _asked(settings: Settings) -> list[Finding]:
    nodes = endpoints.examine(settings.registry(), settings.chains, utc_now())
    if settings.turn is None:
        return await nodes
    seen, turn = await asyncio.gather(nodes, stun.examine(settings.turn))
    return [*seen, *turn]


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = f"{MARKS[finding.level]:<4}"
        coloured = typer.style(mark, fg=COLOURS[finding.level]) if sys.stdout.isatty() else mark
        print(f"{coloured}  {finding.subject:<{width}}  {finding.detail}")
