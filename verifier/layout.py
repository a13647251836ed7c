"""The layout of a sign-in text: EIP-4361 and, in the same shape, CAIP-122. Grammar only; nobody is believed here."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from verifier import rfc3339, rfc3986


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """Not the text it should be, and where it departs."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """The fields of a sign-in text as they are written there, times too, so that writing gives every byte back."""

    scheme: str | None = None
    domain: str
    address: str
    statement: str | None = None
    uri: str
    version: str = "1"
    chain_id: str
    nonce: str
    issued_at: str
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None  # (): the heading stands there with nothing below it


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """One line of the text; its named groups are fields of SignIn."""

    name: str
    pattern: re.Pattern[str]
    optional: bool = False


_OPTIONAL = ("Expiration Time", "Not Before", "Request ID", "Resources")
_TIMES = ("issued_at", "expiration_time", "not_before")
_REMEMBERED = 16
"""Texts whose reading is kept: a door asks whom a text speaks for, and at once whether it may be signed at all."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one ecosystem writes its sign-in texts. `parse` and `write` are inverse to each other, byte for byte."""

    ecosystem: str  # the word in the first line: "… sign in with your Ethereum account:"
    namespace: str  # of its CAIP-2 chain ids
    address: str  # regular expression
    chain_id: str  # regular expression of the CAIP-2 reference
    objection: Callable[[str], str | None] = lambda _address: None  # what else is wrong with an address

    @cached_property
    def claim(self) -> str:
        """Return the words by which a text claims to be of this layout."""
        return f" wants you to sign in with your {self.ecosystem} account:"

    @cached_property
    def _rules(self) -> tuple[_Rule, ...]:
        """EIP-4361 §ABNF Message Format, rule for rule."""
        characters = rfc3986.GEN_DELIMS + rfc3986.SUB_DELIMS + rfc3986.UNRESERVED
        time = rfc3339.DATE_TIME
        return tuple(
            _Rule(name=name, pattern=re.compile(pattern), optional=name in _OPTIONAL)
            for name, pattern in (
                (
                    "first line",
                    rf"(?:(?P<scheme>{rfc3986.SCHEME})://)?(?P<domain>{rfc3986.NAMED_AUTHORITY}){self.claim}\n",
                ),
                ("address", rf"(?P<address>{self.address})\n\n"),
                ("statement", rf"(?:(?P<statement>[{characters} ]+)\n)?\n"),
                ("URI", rf"URI: (?P<uri>{rfc3986.URI})\n"),
                ("Version", r"Version: (?P<version>1)\n"),
                ("Chain ID", rf"Chain ID: (?P<chain_id>{self.chain_id})\n"),
                ("Nonce", r"Nonce: (?P<nonce>[A-Za-z0-9]{8,})\n"),
                ("Issued At", rf"Issued At: (?P<issued_at>{time})"),
                ("Expiration Time", rf"\nExpiration Time: (?P<expiration_time>{time})"),
                ("Not Before", rf"\nNot Before: (?P<not_before>{time})"),
                ("Request ID", rf"\nRequest ID: (?P<request_id>{rfc3986.PCHAR}*)"),
                ("Resources", rf"\nResources:(?P<resources>(?:\n- {rfc3986.URI})*)"),
            )
        )

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        """The rules one after the other; atomic, so that no line is read again because of a later one."""
        return re.compile("".join(f"(?>{rule.pattern.pattern}){'?+' if rule.optional else ''}" for rule in self._rules))

    @cached_property
    def parse(self) -> Callable[[str], SignIn | Malformed]:
        """Read a text that follows the grammar to the byte; of anything else, say which line is not as it should be."""
        return lru_cache(_REMEMBERED)(self._read)

    def _read(self, text: str) -> SignIn | Malformed:
        match = self._whole.fullmatch(text)
        if match is None:
            return Malformed(reason=self._departure(text))
        message = _message(match.groupdict())
        if reason := self.objection(message.address):
            return Malformed(reason=reason)
        for name in _TIMES:
            time = getattr(message, name)
            if time is not None and rfc3339.moment(time) is None:
                return Malformed(reason=f"{name}: no such moment in the calendar")
        return message

    def _departure(self, text: str) -> str:
        """Return where a text that does not follow the grammar departs from it."""
        position = 0
        for rule in self._rules:
            if match := rule.pattern.match(text, position):
                position = match.end()
            elif not rule.optional:
                return f"{rule.name}: missing, misplaced or malformed"
        return f"line {text.count(chr(10), 0, position + 1) + 1}: nothing like this may follow"

    def write(self, message: SignIn) -> str:
        """Return the text. Fields that the grammar does not allow make a text that `parse` refuses."""
        return "\n".join(self._lines(message))

    def _lines(self, message: SignIn) -> Iterator[str]:
        yield (f"{message.scheme}://" if message.scheme else "") + message.domain + self.claim
        yield message.address
        yield ""
        if message.statement is not None:
            yield message.statement
        yield ""
        yield f"URI: {message.uri}"
        yield f"Version: {message.version}"
        yield f"Chain ID: {message.chain_id}"
        yield f"Nonce: {message.nonce}"
        yield f"Issued At: {message.issued_at}"
        if message.expiration_time is not None:
            yield f"Expiration Time: {message.expiration_time}"
        if message.not_before is not None:
            yield f"Not Before: {message.not_before}"
        if message.request_id is not None:
            yield f"Request ID: {message.request_id}"
        if message.resources is not None:
            yield "Resources:"
            yield from (f"- {resource}" for resource in message.resources)


def _message(found: dict[str, Any]) -> SignIn:
    resources = found.pop("resources", None)
    listed = None if resources is None else tuple(resources.split("\n- ")[1:])
    return SignIn(**found, resources=listed)
