"""`usher payments`: every payment that reached us, and what became of it. A thin shell over the till."""

from typing import Annotated, Any

import typer

from config.registry import Registry
from tickets import till
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord, PaymentState
from usher.cli.context import read, settings_of
from usher.cli.exits import CommandError
from usher.cli.output import AsJson, show_record, show_rows
from usher.cli.words import chain as spoken_chain
from usher.cli.words import money

app = typer.Typer(help="The payments that reached us.", no_args_is_help=True, rich_markup_mode=None)

COLUMNS = ("id", "chain", "amount", "currency", "state", "confirmations", "outcome", "reason", "first_seen")


@app.command("list")
def list_payments(
    context: typer.Context,
    *,
    chain: Annotated[str | None, typer.Option(help="CAIP-2 id, name or alias.")] = None,
    state: PaymentState | None = None,
    outcome: Outcome | None = None,
    reason: Annotated[Reason | None, typer.Option(help="Why it is owed back.")] = None,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="Of this order.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """List payments, the newest first."""
    settings = settings_of(context)
    registry = settings.registry()
    chain_id = None if chain is None else spoken_chain(registry, chain).id
    found = read(
        settings,
        lambda conn: till.search(
            conn,
            chain=chain_id,
            state=state,
            outcome=outcome,
            reason=reason,
            order_id=order,
            limit=limit,
            offset=offset,
        ),
    )
    show_rows([_described(registry, payment) for payment in found], as_json=as_json, columns=COLUMNS)


@app.command()
def show(
    context: typer.Context,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="A payment's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show everything about a payment, and why its money goes back where it does."""
    settings = settings_of(context)
    found = read(settings, lambda conn: till.by_id(conn, payment))
    if found is None:
        raise CommandError(f"there is no payment {payment!r}; `usher payments list` shows them")
    explanation = None if found.reason is None else found.reason.sentence
    show_record({**_described(settings.registry(), found), "explanation": explanation}, as_json=as_json)


def _described(registry: Registry, payment: PaymentRecord) -> dict[str, Any]:
    """Return a payment with its amounts as decimal texts."""
    return {
        "id": payment.id,
        "chain": payment.key.chain,
        "txid": payment.key.txid,
        "index": payment.key.index,
        **money(registry, payment.asset, payment.amount),
        "applied": money(registry, payment.asset, payment.applied)["amount"],
        "owed": money(registry, payment.asset, payment.owed)["amount"],
        "destination": payment.destination,
        "sender": payment.sender,
        "memos": payment.memos,
        "internal": payment.internal,
        "state": payment.state,
        "confirmations": payment.confirmations,
        "height": payment.height,
        "block_hash": payment.block_hash,
        "block_time": payment.block_time,
        "first_seen": payment.first_seen,
        "outcome": payment.outcome,
        "reason": payment.reason,
        "order_id": payment.order_id,
        "booked": payment.booked,
    }
