"""What a wallet's signature may be for, and the words that say so to whoever signs. No purpose serves another."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class Purpose(StrEnum):
    """What one proof is good for."""

    JOIN = "join"
    SIGN_IN = "sign-in"
    PURCHASE = "purchase"
    CLAIM = "claim"
    TRANSFER = "transfer"
    PAYOUT_ADDRESS = "payout-address"
    APPROVE = "approve"


_WORDS: Mapping[Purpose, tuple[str, str]] = {
    Purpose.JOIN: ("Enter the event ", ". This signature opens the door once and moves no money."),
    Purpose.SIGN_IN: ("Sign in to ", ". This signature shows that the wallet is yours and moves no money."),
    Purpose.PURCHASE: ("Buy for the event ", ". This signature shows that the wallet is yours; you pay separately."),
    Purpose.CLAIM: ("Claim back the payment ", ". This signature names you as the one who paid."),
    Purpose.TRANSFER: ("Give away the ticket ", ". Afterwards it no longer belongs to this wallet."),
    Purpose.PAYOUT_ADDRESS: ("Send my money to ", ". This signature changes where you are paid."),
    Purpose.APPROVE: ("Approve the payout ", ". This signature lets money out."),
}
_UNSPEAKABLE = re.compile(r"[^-A-Za-z0-9._~:/?#\[\]@!$&'()*+,;= ]+")
"""What EIP-4361's `statement` has no place for: all but RFC 3986's reserved and unreserved characters and space."""
_LONGEST_SUBJECT = 80


def statement(purpose: Purpose, subject: str) -> str:
    """Return the sentence a wallet shows: what is signed for, about what (an event's title, a ticket, an address).

    A subject is somebody's own text: letters lose their accents, and what EIP-4361 has no character for is left out.
    """
    folded = unicodedata.normalize("NFKD", subject)
    unaccented = "".join(letter for letter in folded if not unicodedata.combining(letter))
    spoken = " ".join(_UNSPEAKABLE.sub(" ", unaccented).split())[:_LONGEST_SUBJECT].strip()
    opening, closing = _WORDS[purpose]
    return f"{opening}{spoken or '(unnamed)'}{closing}"


def speaks_of(statement: str, purpose: Purpose) -> bool:
    """Whether these are the words of this purpose. A page cannot have one thing read and another signed."""
    opening, closing = _WORDS[purpose]
    return statement.startswith(opening) and statement.endswith(closing) and len(statement) > len(opening + closing)
