"""The layout of a sign-in text: EIP-4361, CAIP-122 and Sign In With Solana. Grammar only; nobody is believed here."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from verifier.texts import rfc3339, rfc3986


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """Not the text it should be, and where it departs."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """The fields of a sign-in text as they are written there, times too, so that writing gives every byte back.

    Which of them may be missing is the layout's to say.
    """

    scheme: str | None = None
    domain: str
    address: str
    statement: str | None = None
    uri: str | None = None
    version: str | None = "1"
    chain_id: str | None = None
    nonce: str | None = None
    issued_at: str | None = None
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
REMEMBERED = 16
"""Texts whose reading is kept: a door asks whom a text speaks for, and at once whether it may be signed at all."""
CHAIN_REFERENCE = "[-_a-zA-Z0-9]{1,32}"  # CAIP-2


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one ecosystem writes its sign-in texts. `parse` and `write` are inverse to each other, byte for byte."""

    ecosystem: str  # the word in the first line: "… sign in with your Ethereum account:"
    norm: str  # where the layout is laid down
    namespace: str  # of its CAIP-2 chain ids
    address: str  # regular expression
    chain_id: str = CHAIN_REFERENCE  # regular expression of what stands at "Chain ID"
    chain_names: Mapping[str, str] = field(default_factory=dict)  # what stands there in place of a CAIP-2 reference
    objection: Callable[[str], str | None] = lambda _address: None  # what else is wrong with an address
    sparse: bool = False  # whether everything below the address may be missing, as SIWS has it

    @cached_property
    def claim(self) -> str:
        """Return the words by which a text claims to be of this layout."""
        return f" wants you to sign in with your {self.ecosystem} account:"

    def chain_name(self, reference: str) -> str:
        """Return what stands at "Chain ID" for a CAIP-2 reference."""
        return self.chain_names.get(reference, reference)

    def reference(self, chain_id: str) -> str:
        """Return the CAIP-2 reference that something at "Chain ID" stands for."""
        plain = chain_id.removeprefix(f"{self.namespace}:")
        return next((reference for reference, name in self.chain_names.items() if name == plain), plain)

    @cached_property
    def _rules(self) -> tuple[_Rule, ...]:
        """EIP-4361 §ABNF Message Format, rule for rule, or that of Sign In With Solana."""
        characters = rfc3986.GEN_DELIMS + rfc3986.SUB_DELIMS + rfc3986.UNRESERVED
        time = rfc3339.DATE_TIME
        fields = (
            ("URI", rf"\nURI: (?P<uri>{rfc3986.URI})"),
            ("Version", r"\nVersion: (?P<version>1)"),
            ("Chain ID", rf"\nChain ID: (?P<chain_id>{self.chain_id})"),
            ("Nonce", r"\nNonce: (?P<nonce>[A-Za-z0-9]{8,})"),
            ("Issued At", rf"\nIssued At: (?P<issued_at>{time})"),
            ("Expiration Time", rf"\nExpiration Time: (?P<expiration_time>{time})"),
            ("Not Before", rf"\nNot Before: (?P<not_before>{time})"),
            ("Request ID", rf"\nRequest ID: (?P<request_id>{rfc3986.PCHARS}*+)"),
            ("Resources", rf"\nResources:(?P<resources>(?:\n- {rfc3986.URI})*)"),
        )
        authority = rf"(?P<domain>{rfc3986.NAMED_AUTHORITY}){self.claim}\n(?P<address>{self.address})"
        statement = rf"(?P<statement>[{characters} ]+)"
        if self.sparse:
            named = "|".join(name for name, _ in fields)
            opening = (
                ("first lines", authority),
                ("statement", rf"\n\n(?!(?:{named}):){statement}"),  # what reads as a field is one
                ("empty line", r"\n(?=\n.)|\Z"),  # before the first field, if there is any
            )
        else:
            opening = (
                ("first lines", rf"(?:(?P<scheme>{rfc3986.SCHEME})://)?{authority}"),
                ("empty line", r"\n"),
                ("statement", rf"\n(?:{statement}\n)?"),
            )
        return tuple(
            _Rule(
                name=name,
                pattern=re.compile(pattern),
                optional=name in _OPTIONAL or (self.sparse and name not in ("first lines", "empty line")),
            )
            for name, pattern in (*opening, *fields)
        )

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        """The rules one after the other; atomic, so that no line is read again because of a later one."""
        return re.compile("".join(f"(?>{rule.pattern.pattern}){'?+' if rule.optional else ''}" for rule in self._rules))

    @cached_property
    def parse(self) -> Callable[[str], SignIn | Malformed]:
        """Read a text that follows the grammar to the byte; of anything else, say which line is not as it should be."""
        return lru_cache(REMEMBERED)(self._read)

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
        fields = tuple(_fields(message))
        if not self.sparse or message.statement is not None:
            yield ""
        if message.statement is not None:
            yield message.statement
        if not self.sparse or fields:
            yield ""
        yield from fields


def _fields(message: SignIn) -> Iterator[str]:
    for name, value in (
        ("URI", message.uri),
        ("Version", message.version),
        ("Chain ID", message.chain_id),
        ("Nonce", message.nonce),
        ("Issued At", message.issued_at),
        ("Expiration Time", message.expiration_time),
        ("Not Before", message.not_before),
        ("Request ID", message.request_id),
    ):
        if value is not None:
            yield f"{name}: {value}"
    if message.resources is not None:
        yield "Resources:"
        yield from (f"- {resource}" for resource in message.resources)


def _message(found: dict[str, Any]) -> SignIn:
    if found["resources"] is not None:
        found["resources"] = tuple(found["resources"].split("\n- ")[1:])
    return SignIn(**found)
