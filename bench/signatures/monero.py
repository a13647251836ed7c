"""Monero wallets: SigV2 and SigV1. No Python library verifies them: libsodium's curve is the only thing beside."""

from collections.abc import Iterator
from functools import cache

from nacl import bindings

from bench.contest import Contest, Peer, each
from bench.signatures.proof import AIM, UNIT, Proof, front, line, proofs, seed, sign_in
from chains.account import Account
from chains.monero import base58
from tests.support.verifier_signers import ORDER, MoneroKeys, written


def contests() -> Iterator[Contest]:
    """Yield a contest per version."""
    for version in (2, 1):
        yield _contest(f"Monero SigV{version} text", proofs(_account, line, _signer(version)))
    yield _contest("Monero SigV2 sign-in", proofs(_account, sign_in, _signer(2)))


def _contest(name: str, of: list[Proof]) -> Contest:
    """The limit is the commitment c·P + r·G alone."""
    bare = each(_commitment, [(one.account.holder.canonical[1:33], _raw(one.signature)) for one in of])
    peers = (Peer(name="bare libsodium, c·P + r·G", work=bare, aim=AIM),)
    return Contest(name=name, ours=front(of), peers=peers, unit=UNIT)


@cache
def _keys(number: int) -> MoneroKeys:
    spend, view = (int.from_bytes(seed(n), "little") % ORDER for n in (number, number + 1_000))
    return MoneroKeys(spend=spend, view=view)


def _account(number: int) -> Account:
    return _keys(number).account


def _signer(version: int):
    def signed(number: int, text: str) -> str:
        return written(_keys(number).sign(text, version=version), version=version)

    return signed


def _raw(signature: str) -> bytes:
    raw = base58.decode(signature[len("SigV2") :])
    assert raw is not None
    return raw


def _commitment(key: bytes, signature: bytes) -> bytes:
    return bindings.crypto_core_ed25519_add(
        bindings.crypto_scalarmult_ed25519_noclamp(signature[:32], key),
        bindings.crypto_scalarmult_ed25519_base_noclamp(signature[32:]),
    )
