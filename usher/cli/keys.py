"""`usher keys`: which keys sign and verify, and a new one where an old one has served or was seen by others."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import Connection, func, select

from config.clock import utc_now
from tickets.keys import KeyKind, Keyring
from tickets.schema import tickets
from usher.cli.context import read, settings_of
from usher.cli.output import AsJson, show_record, show_rows

app = typer.Typer(help="The keys that sign tickets, revocation lists and sessions.", no_args_is_help=True)

SHORT_LIVED = timedelta(days=1)
"""Longer than any session token or revocation list is good for."""


@app.command("list")
def list_keys(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show each key: what it signs, and until when it verifies."""
    keyring = Keyring.load(settings_of(context).keys.directory)
    show_rows(
        [
            {
                "kind": stored.kind,
                "kid": stored.kid,
                "state": "signs" if stored.active else "verifies",
                "created_at": stored.created_at,
                "verify_until": stored.verify_until,
            }
            for kept in keyring.keys.values()
            for stored in kept
        ],
        as_json=as_json,
    )


@app.command()
def rotate(
    context: typer.Context,
    kind: Annotated[KeyKind, typer.Argument(help="What the new key shall sign.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Sign with a new key from now on; the old one verifies until all it signed is over.

    Gate and watcher take the new key up when they are started again.
    """
    settings, now = settings_of(context), utc_now()
    last = read(settings, _last_expiry) if kind is KeyKind.TICKET else None
    until = max(now + SHORT_LIVED, last or now)
    keyring = Keyring.load(settings.keys.directory).rotate(kind, now=now, until=until)
    show_record(
        {
            "kind": kind,
            "kid": keyring.signer(kind).stored.kid,
            "old_keys_verify_until": until,
            "next": "restart usher gate and usher watch",
        },
        as_json=as_json,
    )


def _last_expiry(conn: Connection) -> datetime | None:
    last: datetime | None = conn.execute(select(func.max(tickets.c.expires_at))).scalar_one()
    return last
