"""Hive wallets: Keychain's signed buffer. What the chain says of the account's keys is there already."""

import hashlib
from collections.abc import Iterator

from beemgraphenebase import ecdsasig

from bench.contest import Contest, Peer, each
from bench.signatures.evm import bare_recovery
from bench.signatures.proof import AIM, MATCH, UNIT, Proof, account_at, front, line, proofs, sign_in
from chains.account import Account
from tests.support.verifier_signers import HiveChain, HiveKey, authority

_KEY = HiveKey("alice")
_CHAIN = HiveChain(posting=authority(1, alice=1))


def contests() -> Iterator[Contest]:
    """Yield a contest for the one-line text and for the sign-in."""
    yield _contest("Hive text", proofs(_account, line, _signed))
    yield _contest("Hive sign-in", proofs(_account, sign_in, _signed))


def _contest(name: str, of: list[Proof]) -> Contest:
    made = [(_compact(one.signature), hashlib.sha256(one.message.encode()).digest()) for one in of]
    beem = each(_beem, [(one.message, bytes.fromhex(one.signature)) for one in of])
    peers = (
        Peer(name="bare libsecp256k1 recover", work=bare_recovery(made), aim=AIM),
        Peer(name="beem", work=beem, aim=MATCH),
    )
    return Contest(name=name, ours=front(of, _CHAIN), peers=peers, unit=UNIT)


def _account(number: int) -> Account:
    return account_at(f"buyer-{number}")


def _signed(_number: int, text: str) -> str:
    return _KEY.sign(text).hex()


def _compact(signature: str) -> bytes:
    raw = bytes.fromhex(signature)
    return raw[1:] + bytes([raw[0] - 31])


def _beem(text: str, signature: bytes) -> None:
    assert ecdsasig.verify_message(text.encode(), signature) == _KEY.public
