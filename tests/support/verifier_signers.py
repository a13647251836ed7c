"""Wallets of the families without a chain of their own in tests: keys that sign as theirs do, and signatures bent."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from beemgraphenebase import ecdsasig
from beemgraphenebase.account import PrivateKey
from nacl import bindings

from chains.account import Account
from chains.accounts import account_of, parse_caip10
from chains.monero import address as monero_address
from chains.monero import base58 as monero_base58
from config.keccak import keccak256
from config.registry import Family, Network
from verifier.port import NO_LOOKUP, Authority, KeyAuthorities, Lookup
from verifier.verdict import Inconclusive, Invalid, Verdict
from verifier.verify import verify

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's group."""

BENDS: Mapping[str, Callable[[bytes], bytes]] = {
    "the first bit": lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
    "the last bit": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "the top bit of the last byte": lambda raw: raw[:-1] + bytes([raw[-1] ^ 0x80]),
    "a bit in the middle": lambda raw: raw[:40] + bytes([raw[40] ^ 0x10]) + raw[41:],
    "every bit": lambda raw: bytes(byte ^ 0xFF for byte in raw),
    "a byte short": lambda raw: raw[:-1],
    "a byte long": lambda raw: raw + b"\0",
    "its halves exchanged": lambda raw: raw[len(raw) // 2 :] + raw[: len(raw) // 2],
    "backwards": lambda raw: raw[::-1],
    "nothing but zeros": lambda raw: bytes(len(raw)),
}
"""Ten ways to bend a signature, none of which leaves it one."""


async def verdict(
    account: Account, message: str, signature: str, now: datetime, *, lookup: Lookup = NO_LOOKUP
) -> Verdict:
    """Come to a verdict by the front door."""
    return await verify(account, message, signature, lookup=lookup, now=now)


def account(address: str, network: Network = Network.MAIN) -> Account:
    """Return the account at an address, or of a CAIP-10 id."""
    named = (parse_caip10 if ":" in address else _bare)(address, network)
    assert isinstance(named, Account), named
    return named


def _bare(address: str, network: Network) -> object:
    return account_of(address, network=network)


@dataclass(frozen=True)
class HiveKey:
    """A Hive key that signs by beem, as Keychain's `signBuffer` does by hive-js."""

    name: str  # what it is derived from

    @cached_property
    def wif(self) -> str:
        return str(PrivateKey(hashlib.sha256(f"{self.name}posting".encode()).hexdigest()))

    @cached_property
    def public(self) -> bytes:
        return bytes.fromhex(repr(PrivateKey(self.wif).get_public_key()))

    def sign(self, message: str) -> bytes:
        signed: bytes = ecdsasig.sign_message(message.encode(), self.wif)
        return signed


def authority(threshold: int, **weights: int) -> Authority:
    """Return an authority of keys named by whom they are derived for."""
    return Authority(threshold=threshold, keys={HiveKey(name).public: weight for name, weight in weights.items()})


NOBODY = Authority(threshold=1, keys={})


class HiveChain:
    """A chain that says of every account what it was made with, and remembers about whom it was asked."""

    def __init__(
        self,
        *,
        posting: Authority = NOBODY,
        active: Authority = NOBODY,
        doubt: Inconclusive | None = None,
        otherwise: Invalid | Inconclusive | None = None,
    ) -> None:
        self.said = otherwise or KeyAuthorities(posting=posting, active=active, doubt=doubt)
        self.asked: list[str] = []

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:
        assert account.holder.family is Family.HIVE
        self.asked.append(str(account))
        return self.said

    async def contract_signature(self, *_asked: object) -> Verdict:
        raise AssertionError("no Hive account is a contract")


@dataclass(frozen=True, kw_only=True)
class MoneroKeys:
    """A Monero wallet's secret keys, and its addresses."""

    spend: int
    view: int
    network_byte: int = monero_address.STANDARD

    @property
    def spend_public(self) -> bytes:
        return times_base(self.spend)

    @cached_property
    def view_public(self) -> bytes:
        """The base point times the view key; a subaddress has its own spend key there in place of the base point."""
        if self.network_byte == monero_address.SUBADDRESS:
            return bindings.crypto_scalarmult_ed25519_noclamp(scalar(self.view), self.spend_public)
        return times_base(self.view)

    @cached_property
    def account(self) -> Account:
        body = bytes([self.network_byte]) + self.spend_public + self.view_public
        return account(monero_address.display(body))

    def subaddress(self, major: int, minor: int) -> "MoneroKeys":
        """Return the keys of a subaddress: m = Hs("SubAddr" ‖ view key ‖ index) is added to the spend key."""
        index = major.to_bytes(4, "little") + minor.to_bytes(4, "little")
        added = int.from_bytes(keccak256(b"SubAddr\0" + scalar(self.view) + index), "little") % ORDER
        spend = (self.spend + added) % ORDER
        return MoneroKeys(spend=spend, view=self.view, network_byte=monero_address.SUBADDRESS)

    def hashed(self, message: bytes, *, version: int, mode: int = 0) -> bytes:
        """Return what is signed; `mode` 1 is the view key's."""
        if version == 1:
            return keccak256(message)
        length, rest = b"", len(message)
        while rest >= 0x80:
            length += bytes([rest % 0x80 + 0x80])
            rest //= 0x80
        head = b"MoneroMessageSignature\0" + self.spend_public + self.view_public + bytes([mode])
        return keccak256(head + length + bytes([rest]) + message)

    def sign(self, message: str, *, version: int = 2, by_view_key: bool = False, nonce: int = 7**77) -> bytes:
        """Return c and r."""
        secret, mode = (self.view, 1) if by_view_key else (self.spend, 0)
        return schnorr(secret, self.hashed(message.encode(), version=version, mode=mode), nonce)


def schnorr(secret: int, hashed: bytes, nonce: int) -> bytes:
    """Sign a hash as Monero's `generate_signature` does."""
    challenge = keccak256(hashed + times_base(secret) + times_base(nonce % ORDER))
    c = int.from_bytes(challenge, "little") % ORDER
    return scalar(c) + scalar((nonce - c * secret) % ORDER)


def written(raw: bytes, *, version: int = 2) -> str:
    """Return a Monero signature as wallets write it."""
    return f"SigV{version}{monero_base58.encode(raw)}"


def scalar(number: int) -> bytes:
    return number.to_bytes(32, "little")


def times_base(number: int) -> bytes:
    return bindings.crypto_scalarmult_ed25519_base_noclamp(scalar(number))
