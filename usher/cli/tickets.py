"""`usher tickets`: list and show tickets, put somebody on the guest list, take a ticket back. A thin shell."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from chains.account import Account
from config.clock import utc_now
from config.settings import Settings
from tickets import events, tickets
from tickets.event import Event, EventStatus
from tickets.keys import KeyKind, Keyring, Signer
from tickets.tickets import Ticket, TicketQuery, TicketState
from usher.cli.context import read, settings_of, transact
from usher.cli.exits import CommandError
from usher.cli.output import AsJson, show_record, show_rows
from usher.cli.words import account
from verifier.verify import supports

app = typer.Typer(help="Who may enter.", no_args_is_help=True, rich_markup_mode=None)

COLUMNS = ("id", "event_id", "account", "state", "reason", "issued_at", "access_count")

TicketId = Annotated[str, typer.Argument(metavar="TICKET", help="A ticket's id.")]


@app.command("list")
def list_tickets(
    context: typer.Context,
    *,
    event: Annotated[str | None, typer.Option(metavar="EVENT", help="Of this event, by number or slug.")] = None,
    holder: Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Of this wallet.")] = None,
    state: TicketState | None = None,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="Of this order.")] = None,
    after: Annotated[str | None, typer.Option(metavar="TICKET", help="Go on behind this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List tickets in the order of their ids."""
    settings = settings_of(context)
    named = None if holder is None else account(settings.registry(), settings.network, holder).holder

    def work(conn: Connection) -> tuple[Ticket, ...]:
        event_id = None if event is None else _event(conn, event).id
        query = TicketQuery(event_id=event_id, holder=named, state=state, order_id=order, after=after, limit=limit)
        return tickets.search(conn, query)

    rows = [_described(ticket) for ticket in read(settings, work)]
    show_rows(rows, as_json=as_json, columns=COLUMNS)


@app.command()
def show(context: typer.Context, ticket: TicketId, *, as_json: AsJson = False) -> None:
    """Show a ticket with its signed token."""
    found = read(settings_of(context), lambda conn: tickets.by_id(conn, ticket))
    if found is None:
        raise CommandError(f"there is no ticket {ticket!r}; `usher tickets list` shows them")
    show_record({**_described(found), "token": found.token}, as_json=as_json)


@app.command()
def grant(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="An event's number or slug.")],
    guest: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The guest's address, or CAIP-10 id.")],
    *,
    tier: Annotated[str | None, typer.Option(help="The event's first by default.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Even if the guest has a ticket for the event.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give somebody a ticket without money: the guest list. It takes a place like any other."""
    settings = settings_of(context)
    registry = settings.registry()
    named = account(registry, settings.network, guest)
    if not supports(named.holder.family, registry.families):
        raise CommandError(f"{guest}: a {named.holder.family} wallet cannot show itself at this door")
    signer = _signer(settings)
    now = utc_now()
    invitation = _Invitation(event=event, guest=named, tier=tier, again=again)
    ticket = transact(settings, lambda conn: _grant(conn, invitation, signer=signer, now=now))
    show_record({**_described(ticket), "token": ticket.token}, as_json=as_json)


@app.command()
def revoke(
    context: typer.Context,
    ticket: TicketId,
    *,
    reason: Annotated[str, typer.Option(help="At most 64 characters.")] = "revoked",
    as_json: AsJson = False,
) -> None:
    """Take a ticket back for good; its holder is shown out. The money is a matter of refunds."""
    now = utc_now()
    if not transact(settings_of(context), lambda conn: tickets.revoke(conn, ticket, reason=reason, now=now)):
        raise CommandError(f"ticket {ticket!r} is not there, or is not valid any more")
    show_record({"ticket": ticket, "state": TicketState.REVOKED, "reason": reason}, as_json=as_json)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Invitation:
    """Whom to put on the guest list of what."""

    event: str
    guest: Account
    tier: str | None
    again: bool


def _grant(conn: Connection, wanted: _Invitation, *, signer: Signer, now: datetime) -> Ticket:
    event = _event(conn, wanted.event, lock=True)
    if event.status is EventStatus.CANCELLED or event.over(now):
        what = "was cancelled" if event.status is EventStatus.CANCELLED else "is over"
        raise CommandError(f"event {wanted.event} {what}: nobody can be invited any more")
    tier = event.tier(wanted.tier)
    if tier is None:
        there = ", ".join(tier.name for tier in event.tiers)
        raise CommandError(f"event {wanted.event} has no tier {wanted.tier!r}; it has {there}")
    if not wanted.again and (has := _standing(conn, event, wanted.guest)) is not None:
        raise CommandError(f"{wanted.guest} has ticket {has.id} for event {wanted.event}; --again gives another one")
    ticket = tickets.grant(conn, event, wanted.guest, tier, signer=signer, now=now)
    if ticket is None:
        raise CommandError(f"no place is left in tier {tier.name} of event {wanted.event}")
    return ticket


def _standing(conn: Connection, event: Event, guest: Account) -> Ticket | None:
    """Return a ticket of the guest that is worth something, or may be so again."""
    standing = (TicketState.VALID, TicketState.SUSPENDED)
    return next((one for one in tickets.held_by(conn, event.id, guest.holder) if one.state in standing), None)


def _event(conn: Connection, ref: str, *, lock: bool = False) -> Event:
    event = events.find(conn, ref, lock=lock)
    if event is None:
        raise CommandError(f"there is no event {ref!r}; `usher events list` shows them")
    return event


def _signer(settings: Settings) -> Signer:
    return Keyring.load(settings.keys.directory, issuer=settings.gate.public_url).signer(KeyKind.TICKET)


def _described(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket without its token."""
    return {name: getattr(ticket, name) for name in Ticket.__slots__ if name != "token"}
