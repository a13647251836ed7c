"""The `usher` command: which commands there are, and in which file beside this one each stands."""

import importlib
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from usher.cli.context import Invocation
from usher.cli.exits import EXPECTED, status_of

MODULES = {
    "init": "initialise",
    "doctor": "doctor",
    "run": "run",
    "watch": "run",
    "gate": "run",
    "chains": "chains",
    "db": "database",
    "keys": "keys",
    "events": "events",
    "tickets": "tickets",
    "payments": "payments",
    "memo": "memo",
    "verify": "verify",
    "inspect": "inspect",
}
"""Each command's module. Its `app` holds the command itself, or the group of commands behind that word."""


class _Commands(TyperGroup):
    """Loads a command's module when it is called, and tells expected errors in a line with their exit status."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  typer keeps click's types to itself
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in MODULES:
            return None
        held: typer.Typer = importlib.import_module(f"usher.cli.{MODULES[cmd_name]}").app
        held.rich_markup_mode = app.rich_markup_mode
        group = get_group(held)
        return group.commands.get(cmd_name, group)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except EXPECTED as error:
            typer.echo(f"usher: {error}", err=True)
            raise typer.Exit(status_of(error)) from None


app = typer.Typer(
    cls=_Commands,
    help="Sell tickets for VR events and be paid in crypto.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its frames would show secrets
    rich_markup_mode=None,
)


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="PATH", help="The settings file, usher.toml.")
    ] = None,
) -> None:
    context.obj = Invocation(config=config)
