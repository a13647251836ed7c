"""Holders who may not enter an event, whatever ticket they have. Closing their sockets is the door notice's work."""

from datetime import datetime

from sqlalchemy import Connection, delete

from chains.account import HolderKey
from gateway.schema import bans
from store.upsert import insert_ignore
from tickets import door
from tickets.door import DoorAction


def ban(conn: Connection, event_id: int, holder: HolderKey, *, reason: str, now: datetime) -> bool:
    """Ban a holder and tell every gate; False where it was banned before."""
    row = {"event_id": event_id, "holder": str(holder), "reason": reason[:200], "at": now}
    if not insert_ignore(conn, bans, [row]):
        return False
    door.announce(conn, event_id=event_id, holder=str(holder), action=DoorAction.BANNED, reason="banned", now=now)
    return True


def lift(conn: Connection, event_id: int, holder: HolderKey) -> bool:
    """Let a holder in again; False where it was not banned."""
    lifted = delete(bans).where(bans.c.event_id == event_id, bans.c.holder == str(holder))
    return conn.execute(lifted).rowcount == 1
