"""What a memo says. `parse` takes any text and never raises; `write` is its inverse. Pure.

    event:<id>:wallet:<address>[:<key>:<value>]…      id: an event's number or its slug
    o:<code>                                          an order's code
    subscription:<plan>:account:<name>

Tolerated: surrounding white space and quotes, keywords and slugs in upper case, percent-encoding. All else is NotOurs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from chains import percent
from chains.account import HolderKey, NotAnAccount
from chains.accounts import account_of
from config.registry import Network
from memo.code import normalise

LONGEST = 2048
"""Characters; the longest memo that any of our chains carries as such is Hive's 2,048 bytes."""

_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_LARGEST_NUMBER = 2**31 - 1  # what the events table counts to
_SLUG = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._~-]{1,100}")  # RFC 3986's unreserved characters: a slug stands in URLs
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_QUANTITY = re.compile(r"[1-9][0-9]{0,3}")
_NAME = re.compile(r"@?[A-Za-z0-9._-]{1,128}")
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c", "«": "»"}
_INVISIBLE = "\0\u200b\ufeff"  # padding, and what copying from a page brings along


class Reason(StrEnum):
    """Why a text is no memo of ours."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    UNPRINTABLE = "unprintable"  # control, invisible or undecodable characters
    UNKNOWN_KIND = "unknown_kind"  # begins with none of our keywords
    MALFORMED = "malformed"  # one of ours, but not in its form
    BAD_EVENT = "bad_event"  # neither a number nor a slug
    BAD_WALLET = "bad_wallet"  # no account of this network
    BAD_PAIR = "bad_pair"  # an optional pair without a proper key or value, or twice the same key
    BAD_QUANTITY = "bad_quantity"
    BAD_CODE = "bad_code"  # the check symbol does not fit


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMemo:
    """A ticket for this event is to belong to this wallet."""

    event: str  # number, or slug in lower case
    wallet: str  # in its family's canonical spelling
    holder: HolderKey
    extras: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)  # keys in lower case

    @property
    def tier(self) -> str | None:
        """The tier asked for; None: the event's first."""
        return self.extras.get("tier")

    @property
    def qty(self) -> int:
        """How many tickets are asked for."""
        return int(self.extras.get("qty", "1"))

    @property
    def ref(self) -> str | None:
        """The payer's own reference."""
        return self.extras.get("ref")


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderMemo:
    """The payment is for the order with this code."""

    code: str  # as we print it


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscriptionMemo:
    """The payment is for this plan of a platform's account."""

    plan: str
    account: str  # without `@`


@dataclass(frozen=True, kw_only=True, slots=True)
class NotOurs:
    """A text that asks nothing of us, or does not ask it properly."""

    reason: Reason


Memo = EventMemo | OrderMemo | SubscriptionMemo


def parse(text: str, *, network: Network) -> Memo | NotOurs:
    """Return what the text says. A wallet of the other network is no wallet here."""
    plain = _unwrapped(text) if len(text) <= LONGEST else Reason.TOO_LONG
    return NotOurs(reason=plain) if isinstance(plain, Reason) else _read(plain.split(":"), network)


def write(memo: Memo) -> str:
    """Return the text of a memo. Raises ValueError for a value that no memo can carry, such as one with a colon."""
    match memo:
        case EventMemo():
            pairs = "".join(f":{key}:{value}" for key, value in memo.extras.items())
            text = f"event:{memo.event}:wallet:{memo.wallet}{pairs}"
            network = memo.holder.network
        case OrderMemo():
            text, network = f"o:{memo.code}", Network.MAIN
        case SubscriptionMemo():
            text, network = f"subscription:{memo.plan}:account:{memo.account}", Network.MAIN
    escaped = text.replace("%", "%25")
    if parse(escaped, network=network) != memo:
        raise ValueError("this memo holds a value that its text could not carry")
    return escaped


def is_slug(text: str) -> bool:
    """Whether this can name an event: up to 100 unreserved URL characters, one of them a letter; case means nothing."""
    return _SLUG.fullmatch(text) is not None


def is_event_number(text: str) -> bool:
    """Whether this is how an event's number is written: decimal digits without leading zeros."""
    return _NUMBER.fullmatch(text) is not None and int(text) <= _LARGEST_NUMBER


def _read(fields: Sequence[str], network: Network) -> Memo | NotOurs:
    match fields:
        case [kind, identifier, keyword, wallet, *pairs] if _is(kind, "event") and _is(keyword, "wallet"):
            return _event(identifier, wallet, pairs, network)
        case [kind, code] if _is(kind, "o"):
            return _order(code)
        case [kind, plan, keyword, name] if _is(kind, "subscription") and _is(keyword, "account"):
            return _subscription(plan, name)
        case [kind, *_] if any(_is(kind, ours) for ours in ("event", "o", "subscription")):
            return NotOurs(reason=Reason.MALFORMED)
    return NotOurs(reason=Reason.UNKNOWN_KIND)


def _event(identifier: str, wallet: str, pairs: Sequence[str], network: Network) -> EventMemo | NotOurs:
    if not is_event_number(identifier) and not is_slug(identifier):
        return NotOurs(reason=Reason.BAD_EVENT)
    account = account_of(wallet, network=network)
    if isinstance(account, NotAnAccount):
        return NotOurs(reason=Reason.BAD_WALLET)
    extras = _extras(pairs)
    if isinstance(extras, NotOurs):
        return extras
    return EventMemo(event=identifier.lower(), wallet=account.address, holder=account.holder, extras=extras)


def _extras(pairs: Sequence[str]) -> Mapping[str, str] | NotOurs:
    if len(pairs) % 2:
        return NotOurs(reason=Reason.BAD_PAIR)
    extras = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not _KEY.fullmatch(key) or not value or key.lower() in extras:
            return NotOurs(reason=Reason.BAD_PAIR)
        extras[key.lower()] = value
    if not _QUANTITY.fullmatch(extras.get("qty", "1")):
        return NotOurs(reason=Reason.BAD_QUANTITY)
    return MappingProxyType(extras)


def _order(code: str) -> OrderMemo | NotOurs:
    normal = normalise(code)
    return NotOurs(reason=Reason.BAD_CODE) if normal is None else OrderMemo(code=normal)


def _subscription(plan: str, name: str) -> SubscriptionMemo | NotOurs:
    if not is_slug(plan) or not _NAME.fullmatch(name):
        return NotOurs(reason=Reason.MALFORMED)
    return SubscriptionMemo(plan=plan.lower(), account=name.removeprefix("@"))


def _is(text: str, keyword: str) -> bool:
    return text.isascii() and text.lower() == keyword


def _unwrapped(text: str) -> str | Reason:
    """Return the text without percent-encoding, and without white space and quotes around it."""
    decoded = percent.decode(text)
    plain = None if decoded is None else _bare(decoded)
    if plain is None or not plain.isprintable():
        return Reason.UNPRINTABLE
    return plain or Reason.EMPTY


def _bare(text: str) -> str:
    """Take off white space, invisible characters and pairs of quotes, whatever is wrapped in what."""
    while (inner := _without_quotes(text.strip().strip(_INVISIBLE))) != text:
        text = inner
    return text


def _without_quotes(text: str) -> str:
    return text[1:-1] if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] else text
