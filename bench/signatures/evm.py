"""EVM wallets: one line (EIP-191), a sign-in (EIP-4361), the same as typed data (EIP-712)."""

from collections.abc import Iterator

from coincurve import PublicKey
from eth_account import Account as EthAccount
from eth_account.messages import encode_defunct, encode_typed_data

from bench.apart import Apart
from bench.contest import Contest, Peer, Work, each
from bench.signatures.proof import AIM, MATCH, UNIT, Proof, account_at, front, key, line, proofs, sign_in
from chains.account import Account
from chains.evm import address as evm
from config.keccak import keccak256
from config.registry import Network
from verifier.evm import eip191, eip712

_SIWE_PACKAGES = ("siwe==4.4.0", "abnf==2.8.3", "coincurve")
"""A newer abnf refuses every text; the same curve as ours."""
_SIWE = """
from datetime import UTC, datetime
from siwe import SiweMessage
then = datetime(2026, 11, 20, 12, tzinfo=UTC)
def work(address, text, signature):
    SiweMessage.from_message(text).verify(signature, timestamp=then)
    return True
"""


def contests() -> Iterator[Contest]:
    """Yield a contest per scheme."""
    plain = proofs(_account, line, _signed)
    eth_account = each(_recovered_from_text, [(proof.message, proof.signature, proof.account) for proof in plain])
    yield _contest("EIP-191", plain, Peer(name="eth-account", work=eth_account, aim=MATCH))
    texts = proofs(_account, sign_in, _signed)
    siwe = Apart(packages=_SIWE_PACKAGES, script=_SIWE, inputs=[proof.given for proof in texts])
    yield _contest("EIP-4361", texts, Peer(name="siwe", work=siwe, aim=MATCH))
    typed = proofs(_account, sign_in, _signed_typed)
    shown = [(eip712.typed_data(proof.message, Network.MAIN), proof.signature, proof.account) for proof in typed]
    peer = Peer(name="eth-account", work=each(_recovered_from_data, shown), aim=MATCH)
    yield _contest("EIP-712", typed, peer, tried=2)


def bare_recovery(made: list[tuple[bytes, bytes]]) -> Work:
    """Return nothing but the recovery of keys: compact signatures with their digests."""
    return each(lambda signature, digest: PublicKey.from_signature_and_message(signature, digest, hasher=None), made)


def _contest(name: str, of: list[Proof], peer: Peer, *, tried: int = 1) -> Contest:
    """A signature does not say whether the text or its typed data was signed, and an address is told by recovery alone:
    of typed data the limit is two of them, one from each digest.
    """
    digest = _typed_digest if tried > 1 else eip191.digest
    bare = bare_recovery([(_compact(proof.signature), digest(proof.message)) for proof in of])
    limits = [Peer(name="bare libsecp256k1 recover", work=bare, aim=AIM if tried == 1 else "")]
    if tried > 1:
        limits.append(Peer(name=f"the same, {tried} times", work=lambda: [bare() for _ in range(tried)], aim=AIM))
    return Contest(name=name, ours=front(of), peers=(*limits, peer), unit=UNIT)


def _account(number: int) -> Account:
    return account_at(evm.display(keccak256(key(number).public_key.format(compressed=False)[1:])[12:]))


def _signed(number: int, text: str) -> str:
    return _hex(key(number).sign_recoverable(eip191.digest(text), hasher=None))


def _signed_typed(number: int, text: str) -> str:
    return _hex(key(number).sign_recoverable(_typed_digest(text), hasher=None))


def _typed_digest(text: str) -> bytes:
    digest = eip712.digest(text, Network.MAIN)
    assert digest is not None
    return digest


def _hex(signature: bytes) -> str:
    return "0x" + (signature[:64] + bytes([signature[64] + 27])).hex()


def _compact(signature: str) -> bytes:
    raw = bytes.fromhex(signature[2:])
    return raw[:64] + bytes([raw[64] - 27])


def _recovered_from_text(text: str, signature: str, account: Account) -> None:
    assert EthAccount.recover_message(encode_defunct(text=text), signature=signature) == account.address


def _recovered_from_data(data: dict, signature: str, account: Account) -> None:
    message = encode_typed_data(full_message=data)
    assert EthAccount.recover_message(message, signature=signature) == account.address
