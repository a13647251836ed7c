"""`usher payments`: every payment that reached us, and what became of it. A thin shell over the till."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from chains.port import Note
from config.registry import Registry
from tickets import notes, till
from tickets.reasons import Reason
from tickets.till import Outcome, PaymentRecord, PaymentState
from usher.cli.context import read, settings_of
from usher.cli.exits import CommandError
from usher.cli.output import AsJson, show_record, show_rows
from usher.cli.words import chain as spoken_chain
from usher.cli.words import money

app = typer.Typer(help="The payments that reached us.", no_args_is_help=True, rich_markup_mode=None)

MOST = 10_000
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
    transaction: Annotated[
        str | None, typer.Option(metavar="TXID", help="In this transaction, or seen in it by a node's trace.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """List payments, the newest first."""
    settings = settings_of(context)
    registry = settings.registry()
    chain_id = None if chain is None else spoken_chain(registry, chain).id

    def work(conn: Connection) -> list[dict[str, Any]]:
        among = None if transaction is None else notes.in_transaction(conn, transaction, chain=chain_id, limit=MOST)
        found = till.search(
            conn,
            chain=chain_id,
            state=state,
            outcome=outcome,
            reason=reason,
            order_id=order,
            among=among,
            limit=limit,
            offset=offset,
        )
        noted = notes.of_payments(conn, [payment.id for payment in found])
        return [_described(registry, payment, noted.get(payment.id, ())) for payment in found]

    show_rows(read(settings, work), as_json=as_json, columns=COLUMNS)


@app.command()
def show(
    context: typer.Context,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="A payment's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show everything about a payment, and why its money goes back where it does."""
    settings = settings_of(context)
    found, noted = read(settings, lambda conn: (till.by_id(conn, payment), notes.of_payments(conn, [payment])))
    if found is None:
        raise CommandError(f"there is no payment {payment!r}; `usher payments list` shows them")
    explanation = None if found.reason is None else found.reason.sentence
    show_record(
        {**_described(settings.registry(), found, noted.get(found.id, ())), "explanation": explanation}, as_json=as_json
    )


def _described(registry: Registry, payment: PaymentRecord, noted: Sequence[Note]) -> dict[str, Any]:
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
        "noted": noted,
    }
