"""The text a wallet is asked to sign, and its strict reader. Purpose and event stand in it: it opens one door only.

Nothing is decided here: `judge` weighs what was read, and only the gate knows its own nonces.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from chains.account import Account, NotAnAccount
from chains.accounts import parse_caip10
from config.registry import Network
from verifier.texts import rfc3339
from verifier.texts.layout import REMEMBERED, Layout, Malformed, SignIn
from verifier.texts.layouts import LAYOUTS, claimed
from verifier.texts.purpose import Purpose, speaks_of

LIFE = timedelta(minutes=5)
"""How long a challenge is good for from its `issued_at`."""

_PURPOSE = "urn:usher:purpose:"
_EVENT = "urn:usher:event:"
_RESOURCES = re.compile(rf"{_PURPOSE}(?P<purpose>{'|'.join(Purpose)})(?:\n{_EVENT}(?P<event>[1-9][0-9]{{0,18}}))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """What a wallet is asked to sign."""

    domain: str  # host[:port] of the page that asks, from the operator's list or the event's page_origins
    account: Account
    statement: str  # from `purpose.statement`, or the text is refused when it comes back
    uri: str
    nonce: str  # at least 8 letters and digits
    issued_at: datetime
    expires_at: datetime
    purpose: Purpose
    event_id: int | None  # row id; None for purposes that concern no event


def write(challenge: Challenge) -> str:
    """Return the text to sign."""
    layout = LAYOUTS[challenge.account.holder.family]
    return layout.write(_sign_in(challenge, layout))


def _sign_in(challenge: Challenge, layout: Layout) -> SignIn:
    resources = [f"{_PURPOSE}{challenge.purpose}"]
    if challenge.event_id is not None:
        resources.append(f"{_EVENT}{challenge.event_id}")
    return SignIn(
        domain=challenge.domain,
        address=challenge.account.address,
        statement=challenge.statement,
        uri=challenge.uri,
        chain_id=_chain_name(challenge.account, layout),
        nonce=challenge.nonce,
        issued_at=rfc3339.write(challenge.issued_at),
        expiration_time=rfc3339.write(challenge.expires_at),
        resources=tuple(resources),
    )


def parse(text: str, *, network: Network) -> Challenge | Malformed:
    """Read a text that `write` could have written, to the byte; anything else is Malformed, and no text raises.

    Every challenge has one spelling, or each further one would be another text to spend.
    """
    return _parsed(text, network)


@lru_cache(REMEMBERED)
def _parsed(text: str, network: Network) -> Challenge | Malformed:
    layout = claimed(text)
    if layout is None:
        return Malformed(reason="this text asks nobody to sign in")
    message = layout.parse(text)
    if isinstance(message, Malformed):
        return message
    challenge = _read(message, layout, network)
    if isinstance(challenge, Malformed):
        return challenge
    if not speaks_of(challenge.statement, challenge.purpose):
        return Malformed(reason="statement: these are not the words of the purpose")
    if not _is_spelt_here(message, challenge, layout):
        return Malformed(reason="this is not how a challenge is spelt here")
    return challenge


def _is_spelt_here(message: SignIn, challenge: Challenge, layout: Layout) -> bool:
    """Whether `write` would give these fields back; those that it takes over as they were need no look."""
    return (
        message.address == challenge.account.address
        and message.version == "1"
        and message.chain_id == _chain_name(challenge.account, layout)
        and message.issued_at == rfc3339.write(challenge.issued_at)
        and message.expiration_time == rfc3339.write(challenge.expires_at)
        and message.scheme is message.not_before is message.request_id is None
    )


def _chain_name(account: Account, layout: Layout) -> str:
    return layout.chain_name(account.chain.partition(":")[2])


def timestamp_text(event_ref: str, milliseconds: int) -> str:
    """Return the form that existing VR pages sign; `event_ref` is the event as the page names it (id or slug)."""
    return f"Access event {event_ref} at {milliseconds}"


def _read(message: SignIn, layout: Layout, network: Network) -> Challenge | Malformed:
    reference = layout.reference(message.chain_id or "")
    account = parse_caip10(f"{layout.namespace}:{reference}:{message.address}", network)
    if isinstance(account, NotAnAccount):
        return Malformed(reason=account.reason)
    about = _RESOURCES.fullmatch("\n".join(message.resources or ()))
    issued_at, expires_at = (rfc3339.moment(time or "") for time in (message.issued_at, message.expiration_time))
    if issued_at is None or message.uri is None or message.nonce is None:
        return Malformed(reason="a challenge has every field of a sign-in")
    if about is None or expires_at is None or message.statement is None:
        return Malformed(reason="a challenge has a statement, an expiry and a purpose")
    return Challenge(
        domain=message.domain,
        account=account,
        statement=message.statement,
        uri=message.uri,
        nonce=message.nonce,
        issued_at=issued_at,
        expires_at=expires_at,
        purpose=Purpose(about["purpose"]),
        event_id=None if about["event"] is None else int(about["event"]),
    )
