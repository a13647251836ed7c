"""Whether a text, whoever signed it, is for this door now. Pure; nonce and signature are judged elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from chains.account import Account
from verifier.skew import SKEW
from verifier.texts.challenge import LIFE, Challenge
from verifier.texts.layout import Malformed
from verifier.texts.purpose import Purpose

TIMESTAMP_AGE = timedelta(minutes=5)
"""How old a signed timestamp may be."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Refusal(StrEnum):
    """Why a text opens nothing here, whoever signed it."""

    MALFORMED = "malformed"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    WRONG_DOMAIN = "wrong_domain"
    WRONG_PURPOSE = "wrong_purpose"
    WRONG_EVENT = "wrong_event"
    WRONG_ACCOUNT = "wrong_account"
    WRONG_CHAIN = "wrong_chain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The text is for this door and this moment."""

    until: datetime  # it is refused by its own time from then on: a spent proof need not be remembered longer


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The text opens nothing here."""

    reason: Refusal
    detail: str


def judge(
    challenge: Challenge | Malformed,
    *,
    now: datetime,
    account: Account,
    domains: Collection[str],
    purpose: Purpose,
    event_id: int | None,
    skew: timedelta = SKEW,
) -> Accepted | Refused:
    """Decide time, domain, purpose, event and account, in this order; the first that fails is the answer."""
    if isinstance(challenge, Malformed):
        return Refused(reason=Refusal.MALFORMED, detail=challenge.reason)
    if challenge.expires_at - challenge.issued_at > LIFE:
        return Refused(reason=Refusal.MALFORMED, detail="the text lives longer than any challenge")
    for refusal, fails, detail in (
        (Refusal.NOT_YET_VALID, now + skew < challenge.issued_at, "the text is from the future"),
        (Refusal.EXPIRED, challenge.expires_at + skew <= now, "the text has expired"),
        (Refusal.WRONG_DOMAIN, challenge.domain not in domains, "the text was signed for another site"),
        (Refusal.WRONG_PURPOSE, challenge.purpose is not purpose, "the text was signed for another purpose"),
        (Refusal.WRONG_EVENT, challenge.event_id != event_id, "the text was signed for another event"),
        (Refusal.WRONG_ACCOUNT, challenge.account.holder != account.holder, "the text names another wallet"),
        (Refusal.WRONG_CHAIN, challenge.account.chain != account.chain, "the text names the wallet on another chain"),
    ):
        if fails:
            return Refused(reason=refusal, detail=detail)
    return Accepted(until=challenge.expires_at + skew)


def judge_timestamp(
    milliseconds: int, *, now: datetime, age: timedelta = TIMESTAMP_AGE, skew: timedelta = SKEW
) -> Accepted | Refused:
    """Decide the time of `Access event <id> at <milliseconds>`, backwards and ahead. Any integer is allowed."""
    since = (now - _EPOCH) // _MILLISECOND - milliseconds  # integers, for a stranger's number may not fit a datetime
    if since >= age // _MILLISECOND:
        return Refused(reason=Refusal.EXPIRED, detail="the timestamp is too old")
    if -since > skew // _MILLISECOND:
        return Refused(reason=Refusal.NOT_YET_VALID, detail="the timestamp is from the future")
    return Accepted(until=_EPOCH + milliseconds * _MILLISECOND + age)
