"""The `usher` command: which commands there are, and where each stands. Every group is one file beside this one."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from usher.cli import database
from usher.cli.context import Invocation
from usher.cli.exits import EXPECTED, status_of


class _Commands(TyperGroup):
    """Tells expected errors in a line, with their exit status."""

    def invoke(self, ctx: Any) -> Any:  # typer keeps click's types to itself
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
app.add_typer(database.app, name="db")


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="PATH", help="The settings file, usher.toml.")
    ] = None,
) -> None:
    context.obj = Invocation(config=config)
