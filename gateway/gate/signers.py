"""Whether the keys that opened a session speak for its holder still: its chain is asked, outside any transaction.

Hive's accounts alone have such keys: names whose keys change. Why it is asked how often, docs/adr/0009 says.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, update

from chains.account import Account, HolderKey
from chains.accounts import home_of
from chains.hive.address import display
from config.registry import Registry
from gateway.gate import openings
from gateway.gate.home import at_home
from gateway.gate.sessions import Signers
from gateway.http.codes import Code
from gateway.schema import sessions
from verifier.hive import judged
from verifier.port import AuthorityLookup
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict

UNHEARD_FOR = timedelta(minutes=30)
"""How long a session goes on while its chain cannot be asked; see docs/adr/0009."""
KEY_CHANGED = "key_changed"
AT_ONCE = 8
"""Renewals that ask at once: half of the places that a chain's look-up has, the other half are the door's."""
WAIT_SECONDS = 30
"""How long renewals wait for their turn and the answer. What was handed out before is good for longer."""
NOT_HEARD = Inconclusive(reason="the chain was not heard in time")


async def hear(signers: Signers, *, lookup: AuthorityLookup, registry: Registry) -> Verdict:
    """Return what the keys are worth by what the holder's chain says now. The look-up bounds the time.

    Who asks has proved the wallet once: nothing is to be hidden from them as at the door, where a node's failure makes
    every other answer doubtful for a while. An answer against the keys counts at once, and only an answer does.
    """
    account = _account(HolderKey.parse(signers.holder), registry)
    return judged(account, signers.keys, await lookup.key_authorities(account))


class Renewals:
    """Asks for the renewals of one gate, so few at once that the door can go on asking, too."""

    def __init__(self, lookup: AuthorityLookup, registry: Registry) -> None:
        self._lookup = lookup
        self._registry = registry
        self._places = asyncio.Semaphore(AT_ONCE)

    async def hear(self, asked: Mapping[str, Signers]) -> dict[str, Verdict]:
        """Return what was heard of each session's keys; those go first of which nothing was heard for longest."""
        heard: dict[str, Verdict] = dict.fromkeys(asked, NOT_HEARD)
        oldest_first = sorted(asked.items(), key=lambda one: one[1].named_at)
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await asyncio.gather(*(self._one(session_id, signers, heard) for session_id, signers in oldest_first))
        return heard

    async def _one(self, session_id: str, signers: Signers, heard: dict[str, Verdict]) -> None:
        async with self._places:
            heard[session_id] = await hear(signers, lookup=self._lookup, registry=self._registry)


def refusal(signers: Signers | None, heard: Verdict, *, now: datetime) -> Code | None:
    """Return why a session may not go on by what was heard of its keys, or None."""
    if signers is None or isinstance(heard, Valid):
        return None
    if isinstance(heard, Invalid):
        return Code.SIGNATURE_INVALID
    return Code.SIGNATURE_INCONCLUSIVE if now - signers.named_at >= UNHEARD_FOR else None


_NAMED = (
    update(sessions)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)))
    .values(named_at=bindparam("at", type_=sessions.c.named_at.type))
)
_END = (
    update(sessions)
    .where(sessions.c.id.in_(bindparam("ids", expanding=True)), sessions.c.closed_at.is_(None))
    .values(closed_at=bindparam("now", type_=sessions.c.closed_at.type), closed_reason=KEY_CHANGED)
    .returning(sessions.c.id, sessions.c.event_id, sessions.c.ticket_id, sessions.c.holder)
)


def note(conn: Connection, heard: Mapping[str, Verdict], *, asked_at: datetime, now: datetime) -> None:
    """Store what was heard: sessions whose keys are not named any more end, at every gate. Tickets and places stay."""
    named = sorted(session_id for session_id, verdict in heard.items() if isinstance(verdict, Valid))
    ended = sorted(session_id for session_id, verdict in heard.items() if isinstance(verdict, Invalid))
    if named:
        conn.execute(_NAMED, {"ids": named, "at": asked_at})
    if ended:
        openings.let_go(conn, conn.execute(_END, {"ids": ended, "now": now}).all(), now)


def _account(holder: HolderKey, registry: Registry) -> Account:
    """Return the account of a holder whose key is its name, on the chain that is asked here."""
    named = Account(chain=home_of(holder.family, holder.network), address=display(holder.canonical), holder=holder)
    return at_home(named, registry)
