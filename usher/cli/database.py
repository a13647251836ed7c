"""`usher db`: bring the database to this program's revision, say whether it is there, or that it is an older copy."""

from typing import Annotated

import typer
from sqlalchemy import Connection

from usher.cli.context import settings_of, transact
from usher.cli.output import AsJson, show_record, show_rows

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


@app.command()
def restored(
    context: typer.Context,
    *,
    gap: Annotated[
        int, typer.Option(min=1, max=100_000, help="More orders than were placed on a chain since the backup.")
    ] = 1000,
    as_json: AsJson = False,
) -> None:
    """After a restore from backup, before any service starts: never show an address that the lost time may have shown.

    Those addresses are watched all the same; what is paid to them is recorded and owed back.
    """
    from tickets import addresses  # noqa: PLC0415  the rooms
    from usher import compose  # noqa: PLC0415  every room

    settings = settings_of(context)
    derivations = compose.derivations(settings)

    def work(conn: Connection) -> dict[str, int]:
        return {chain: addresses.restored(conn, chain, derive, gap=gap) for chain, derive in derivations.items()}

    show_rows(
        [{"chain": chain, "next_address": position} for chain, position in transact(settings, work).items()],
        as_json=as_json,
    )


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
