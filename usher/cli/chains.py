"""`usher chains`: how far each chain has been read, and the operator's word that lets a stopped one go on."""

from typing import Annotated

import typer

from chains import progress
from config.clock import utc_now
from monitor.resume import resume as go_on
from tickets import till
from usher.cli.context import read, settings_of, transact
from usher.cli.exits import CommandError, Exit
from usher.cli.output import AsJson, show_record, show_rows

app = typer.Typer(help="The chains that are watched.", no_args_is_help=True)


@app.command("list")
def list_chains(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how far each chain has been read, and why one has stopped.

    Lost payments were final, and were not found again when the chain was read anew: `usher payments list --state lost`.
    """
    settings, now = settings_of(context), utc_now()
    known = {one.chain: one for one in read(settings, progress.status_of)}
    lost = read(settings, till.lost_by_chain)
    rows = []
    for chain in settings.registry().chains.values():
        one = known.get(chain.id)
        rows.append(
            {
                "chain": chain.id,
                "name": chain.name,
                "status": one.status if one else "never polled",
                "tip": one.tip_height if one and one.begun else None,
                "final": one.final_height if one and one.begun else None,
                "polled_seconds_ago": round((now - one.polled_at).total_seconds()) if one and one.begun else None,
                "lost_payments": lost.get(chain.id, 0),
                "reason": one.reason if one else None,
            }
        )
    show_rows(rows, as_json=as_json)


@app.command()
def resume(
    context: typer.Context,
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="CAIP-2 id of the stopped chain.")],
    *,
    anew: Annotated[
        bool,
        typer.Option(
            "--anew",
            help="After a change below finality: forget the position and read again from well below it.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a stopped chain be followed again. Mend what stopped it first: `usher chains list` says what it was."""
    settings = settings_of(context)
    if chain not in settings.chains:
        known = ", ".join(settings.chains)
        raise CommandError(f"{chain}: not a chain of this deployment; there are {known}", Exit.USAGE)
    if not transact(settings, lambda conn: go_on(conn, chain, anew=anew)):
        raise CommandError(f"{chain} is not stopped")
    show_record({"chain": chain, "status": "following", "anew": anew}, as_json=as_json)
