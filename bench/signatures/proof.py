"""What a wallet sends to the door, in as many copies as make every one new, and the verifier's front door before it."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from coincurve import PrivateKey

from bench.contest import Work, each
from chains.account import Account
from chains.accounts import account_of
from config.registry import Network
from verifier.port import NO_LOOKUP, Lookup
from verifier.texts import challenge
from verifier.texts.purpose import Purpose, statement
from verifier.verdict import Valid, Verdict
from verifier.verify import verify

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COUNT = 64
"""Proofs of each kind: more than any reader of texts remembers."""
UNIT = "verifications/s"
AIM = ">= 0.6"
"""Of the bare primitive."""
MATCH = ">= 1"
"""Of what others would use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A text and what a wallet made of it."""

    account: Account
    message: str
    signature: str

    @property
    def given(self) -> tuple[str, str, str]:
        """Address, text and signature, as libraries take them."""
        return self.account.address, self.message, self.signature


def front(proofs: Sequence[Proof], lookup: Lookup = NO_LOOKUP) -> Work:
    """Return the whole way from what a page sends to the verdict, each time of the next proof."""

    def judged(proof: Proof) -> None:
        verdict = _finished(verify(proof.account, proof.message, proof.signature, lookup=lookup, now=NOW))
        assert isinstance(verdict, Valid), verdict

    return each(judged, [(proof,) for proof in proofs])


def proofs(
    account: Callable[[int], Account], text: Callable[[Account, int], str], sign: Callable[[int, str], str]
) -> list[Proof]:
    """Return COUNT proofs, each of another wallet and text."""
    return list(_proofs(account, text, sign))


def line(_account: Account, number: int) -> str:
    """Return the one-line text that existing pages sign."""
    return challenge.timestamp_text("42", 1_795_176_000_000 + number)


def sign_in(account: Account, number: int) -> str:
    """Return a challenge in the layout of the account's family."""
    return challenge.write(
        challenge.Challenge(
            domain="tickets.example",
            account=account,
            statement=statement(Purpose.JOIN, "Neon Night"),
            uri="https://tickets.example/event/17",
            nonce=f"a1b2c3d4e5f60718a1b2c3d4e5f6{number:04x}",
            issued_at=NOW,
            expires_at=NOW + challenge.LIFE,
            purpose=Purpose.JOIN,
            event_id=17,
        )
    )


def seed(number: int) -> bytes:
    """Return 32 secret bytes of a wallet."""
    return hashlib.sha256(b"wallet %d" % number).digest()


def key(number: int) -> PrivateKey:
    """Return a wallet's key on secp256k1."""
    return PrivateKey(seed(number))


def account_at(address: str) -> Account:
    """Return the account at a main network's address."""
    found = account_of(address, network=Network.MAIN)
    assert isinstance(found, Account), found
    return found


def _proofs(
    account: Callable[[int], Account], text: Callable[[Account, int], str], sign: Callable[[int, str], str]
) -> Iterator[Proof]:
    for number in range(COUNT):
        of = account(number)
        message = text(of, number)
        yield Proof(account=of, message=message, signature=sign(number, message))


def _finished(verdict) -> Verdict:
    """Run a verification whose look-ups never wait: no event loop is needed."""
    try:
        verdict.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the verification waited for something")
