"""Solana wallets: the text, a sign-in, off-chain layouts, and a memo transaction that is never sent."""

from base64 import b64encode
from collections.abc import Iterator

from nacl.signing import VerifyKey
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from bench.contest import Contest, Peer, each
from bench.signatures.proof import AIM, UNIT, Proof, account_at, front, line, proofs, seed, sign_in
from chains.account import Account
from tests.support.solana_node import memo
from verifier.solana.offchain import SIGNING_DOMAIN, layouts

Told = tuple[bytes, bytes, bytes]
"""Key, what was signed, signature."""


def contests() -> Iterator[Contest]:
    """Yield a contest per way to sign."""
    plain = proofs(_account, line, _signed)
    yield _contest("Solana text", plain, [_told(proof) for proof in plain])
    texts = proofs(_account, sign_in, _signed)
    yield _contest("Solana SIWS", texts, [_told(proof) for proof in texts])
    for name, place in (("specification's", 0), ("command line's", 1), ("version 1", 2)):
        yield _offchain(f"Solana off-chain, {name}", place)
    unsent = proofs(_account, sign_in, _transaction)
    yield _contest("Solana memo transaction", unsent, [_told_by_transaction(n, one) for n, one in enumerate(unsent)])


def _contest(name: str, of: list[Proof], told: list[Told]) -> Contest:
    solders = Peer(name="bare solders verify", work=each(_solders, told), aim=AIM)
    nacl = Peer(name="bare PyNaCl verify", work=each(_nacl, told), aim=AIM)
    return Contest(name=name, ours=front(of), peers=(solders, nacl), unit=UNIT)


def _offchain(name: str, place: int) -> Contest:
    """A signature does not say of which layout it is, and every layout of a text is as well-formed as the others: the
    limit tries the text, then each layout up to its own.
    """

    def layout(number: int, text: str) -> list[bytes]:
        return [text.encode(), *layouts(text.encode(), bytes(_keypair(number).pubkey()))][: place + 2]

    def signed(number: int, text: str) -> str:
        return str(_keypair(number).sign_message(layout(number, text)[-1]))

    of = proofs(_account, line, signed)
    assert layout(0, of[0].message)[-1].startswith(SIGNING_DOMAIN)
    tried = [
        ([(bytes(_keypair(number).pubkey()), one, _raw(proof)) for one in layout(number, proof.message)],)
        for number, proof in enumerate(of)
    ]
    peers = (
        Peer(name="bare solders verify", work=each(_solders, [one[0][-1] for one in tried])),
        Peer(name=f"the same, {place + 2} times", work=each(_tried, tried), aim=AIM),
    )
    return Contest(name=name, ours=front(of), peers=peers, unit=UNIT)


def _keypair(number: int) -> Keypair:
    return Keypair.from_seed(seed(number))


def _account(number: int) -> Account:
    return account_at(str(_keypair(number).pubkey()))


def _signed(number: int, text: str) -> str:
    return str(_keypair(number).sign_message(text.encode()))


def _transaction(number: int, text: str) -> str:
    keypair = _keypair(number)
    message = MessageV0.try_compile(keypair.pubkey(), [memo(text)], [], Hash.default())
    return b64encode(bytes(VersionedTransaction(message, [keypair]))).decode()


def _told(proof: Proof) -> Told:
    return proof.account.holder.canonical, proof.message.encode(), _raw(proof)


def _told_by_transaction(number: int, proof: Proof) -> Told:
    message = MessageV0.try_compile(_keypair(number).pubkey(), [memo(proof.message)], [], Hash.default())
    told = to_bytes_versioned(message)
    return proof.account.holder.canonical, told, bytes(_keypair(number).sign_message(told))


def _raw(proof: Proof) -> bytes:
    return bytes(Signature.from_string(proof.signature))


def _solders(key: bytes, told: bytes, signature: bytes) -> None:
    assert Signature(signature).verify(Pubkey(key), told)


def _nacl(key: bytes, told: bytes, signature: bytes) -> None:
    VerifyKey(key).verify(told, signature)


def _tried(candidates: list[Told]) -> None:
    held = [Signature(signature).verify(Pubkey(key), told) for key, told, signature in candidates]
    assert held[-1]
