"""`usher chains`: how far each chain has been read, and its addresses handed out; and what lets a stopped one go on."""

from typing import Annotated

import typer

from chains import catalogue, progress
from config.clock import utc_now
from monitor.resume import resume as go_on
from tickets import address_lines, till
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


@app.command("addresses")
def list_addresses(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how many orders were handed an address of their own, and the gap limit with which a wallet finds all coins.

    Monero's wallets call it their look-ahead. It grows with each order, so set a larger one. The last address paid is
    that of a final payment.
    """
    settings = settings_of(context)
    lines = read(settings, address_lines.of_chains)
    rows = []
    for chain in settings.registry().chains.values():
        line = lines.get(chain.id)
        if catalogue.finds_by_reference(chain.family):
            continue  # nobody pays to these
        if line is None and not catalogue.has_own_keys(chain, settings.chains[chain.id]):
            continue
        paid, end = (line.paid, line.end) if line else ({}, 0)
        last = max(paid, default=None)
        rows.append(
            {
                "chain": chain.id,
                "name": chain.name,
                "handed_out": line.handed_out if line else 0,
                "paid": len(paid),
                "last_paid_position": last,
                "last_paid": None if last is None else paid[last],
                "gap_limit": catalogue.gap_limit(chain.family, paid, end),
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
