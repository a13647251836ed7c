"""`usher db`: bring the database to this program's revision, or say whether it is there."""

from typing import Annotated

import typer

from usher.cli.context import settings_of
from usher.cli.output import AsJson, show_record

app = typer.Typer(help="The database and its revision.", no_args_is_help=True)


@app.command()
def upgrade(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Create the tables, or bring them to this program's revision. Safe to run again."""
    from store import revision  # noqa: PLC0415  alembic

    settings = settings_of(context)
    with revision.engine_at(settings.database.url) as engine:
        before, after = revision.upgrade(engine)
    show_record({"before": before, "after": after, "changed": before != after}, as_json=as_json)


@app.command()
def check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Fail unless the database is at this program's revision."""
    from store import revision  # noqa: PLC0415  alembic

    settings = settings_of(context)
    with revision.engine_at(settings.database.url) as engine:
        current = revision.check(engine)
    show_record({"revision": current, "up_to_date": True}, as_json=as_json)


@app.command(hidden=True)
def draft(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The new revision's number, e.g. 0002.")],
    message: Annotated[str, typer.Argument(help="What it changes.")],
) -> None:
    """For developers: write the revision that brings this database to what the rooms' schema.py say now."""
    from store import revision  # noqa: PLC0415  alembic
    from usher import schema  # noqa: PLC0415  every room

    with revision.engine_at(settings_of(context).database.url) as engine, engine.connect() as connection:
        typer.echo(schema.draft(connection, message, name))
