"""Bitcoin wallets: BIP-137, and BIP-322's simple and full forms, from base64 to the verdict."""

from base64 import b64encode
from collections.abc import Callable, Iterator

import bip322 as rust
from coincurve import PublicKey, PublicKeyXOnly

from bench.apart import Apart
from bench.contest import Contest, Peer, Work, each
from bench.signatures.evm import bare_recovery
from bench.signatures.proof import AIM, COUNT, MATCH, UNIT, Proof, account_at, front, key, line, proofs
from config import bitcoinlib_home
from tests.support.verifier_bitcoin import (
    Taproot,
    Wallet,
    address_of,
    bip137,
    message_digest,
    multisig,
    p2pkh,
    p2tr,
    p2wpkh,
    p2wsh_multisig,
    to_key_hash,
)

Makes = Callable[[int], Wallet]

_BTCLIB = """
from btclib.ecc import bms
def work(address, text, signature):
    return bms.verify(text.encode(), address, signature)
"""


def contests() -> Iterator[Contest]:
    """Yield a contest per scheme and kind of address."""
    yield _bip137("P2PKH", lambda number: p2pkh(key(number)), 31)
    yield _bip137("P2WPKH", lambda number: p2wpkh(key(number)), 39)
    yield _bip322("simple P2WPKH", _wpkh, "bare libsecp256k1 verify", each(_ecdsa, [*map(_of_wpkh, range(COUNT))]))
    yield _bip322("simple P2TR", _taproot, "bare libsecp256k1 Schnorr", each(_schnorr, [*map(_of_key, range(COUNT))]))
    yield _bip322("simple P2WSH 2 of 3", _multisig, "bare libsecp256k1 verify, per key tried", _every_key_tried())
    yield _bip322("full P2PKH", _pkh, "bare libsecp256k1 verify", each(_ecdsa, [*map(_of_pkh, range(COUNT))]))


def _bip137(kind: str, wallet: Makes, header: int) -> Contest:
    def signed(number: int, text: str) -> str:
        return b64encode(bip137(key(number), text, header)).decode()

    of = _proofs(wallet, signed)
    signatures = [
        key(number).sign_recoverable(message_digest(one.message), hasher=None) for number, one in enumerate(of)
    ]
    made = [(signature, message_digest(one.message)) for signature, one in zip(signatures, of, strict=True)]
    btclib = Apart(packages=("btclib[secp256k1]",), script=_BTCLIB, inputs=[one.given for one in of])
    return Contest(
        name=f"BIP-137 {kind}",
        ours=front(of),
        peers=(
            Peer(name="bare libsecp256k1 recover", work=bare_recovery(made), aim=AIM),
            Peer(name="btclib with libsecp256k1", work=btclib, aim=MATCH),
            Peer(name="bitcoinlib", work=each(_bitcoinlib(), [one.given for one in of]), aim=MATCH),
        ),
        unit=UNIT,
    )


def _bip322(kind: str, wallet: Makes, primitive: str, bare: Work) -> Contest:
    full = kind.startswith("full")

    def signed(number: int, text: str) -> str:
        to_sign = wallet(number).signed(text)
        return f"ful{to_sign.full}" if full else to_sign.simple

    of = _proofs(wallet, signed)
    peers = [Peer(name=primitive, work=bare, aim=AIM)]
    if not full:  # the library reads the simple form alone
        library = each(rust.verify_simple_encoded, [one.given for one in of])
        peers.append(Peer(name="bip322 (Rust)", work=library, aim=AIM))
    return Contest(name=f"BIP-322 {kind}", ours=front(of), peers=peers, unit=UNIT)


def _proofs(wallet: Makes, signed: Callable[[int, str], str]) -> list[Proof]:
    return proofs(lambda number: account_at(address_of(wallet(number).output)), line, signed)


# --- wallets, and what is bare about their signatures -----------------------------------------------------------------


def _wpkh(number: int) -> Wallet:
    return p2wpkh(key(number))


def _pkh(number: int) -> Wallet:
    return p2pkh(key(number))


def _taproot(number: int) -> Wallet:
    return p2tr(key(number))


def _multisig(number: int) -> Wallet:
    owners = _owners(number)
    return p2wsh_multisig(2, *owners, signers=[owners[place] for place in _signing(number)])


def _signing(number: int) -> tuple[int, int]:
    """Return which two of the owners sign: each pair in its turn, for it decides how soon the keys are found."""
    return ((0, 1), (0, 2), (1, 2))[number % 3]


def _owners(number: int):
    return [key(number + COUNT * place) for place in range(3)]


def _of_wpkh(number: int) -> tuple[bytes, bytes, bytes]:
    public = key(number).public_key.format()
    digest = _wpkh(number).signed().segwit(to_key_hash(public))
    return public, key(number).sign(digest, hasher=None), digest


def _of_pkh(number: int) -> tuple[bytes, bytes, bytes]:
    public = key(number).public_key.format()
    digest = _pkh(number).signed().legacy(to_key_hash(public))
    return public, key(number).sign(digest, hasher=None), digest


def _of_key(number: int) -> tuple[bytes, bytes, bytes]:
    tree = Taproot(key=key(number))
    digest = _taproot(number).signed().taproot()
    return tree.output_key.format(), tree.secret.sign_schnorr(digest), digest


def _every_key_tried() -> Work:
    """Return the checks that a multisig takes, one by one. Its signatures do not say whose they are: consensus holds
    the last one against the last key, and goes on to the key before wherever it is not that one's.
    """
    return each(_tried, [([*_of_multisig(number)],) for number in range(COUNT)])


def _of_multisig(number: int) -> Iterator[tuple[bytes, bytes, bytes, bool]]:
    owners, signing = _owners(number), [*_signing(number)]
    digest = _multisig(number).signed().segwit(multisig(2, *owners))
    for place in reversed(range(len(owners))):
        if signing:
            signature = owners[signing[-1]].sign(digest, hasher=None)
            yield owners[place].public_key.format(), signature, digest, signing[-1] == place
            signing = signing[:-1] if signing[-1] == place else signing


def _ecdsa(public: bytes, signature: bytes, digest: bytes) -> None:
    assert PublicKey(public).verify(signature, digest, hasher=None)


def _tried(candidates: list[tuple[bytes, bytes, bytes, bool]]) -> None:
    for public, signature, digest, holds in candidates:
        assert PublicKey(public).verify(signature, digest, hasher=None) is holds


def _schnorr(public: bytes, signature: bytes, digest: bytes) -> None:
    assert PublicKeyXOnly(public).verify(signature, digest)


def _bitcoinlib() -> Callable[[str, str, str], None]:
    bitcoinlib_home.prepare()
    from bitcoinlib.keys import verify_message  # noqa: PLC0415  it writes to a folder as soon as it is imported

    def work(address: str, text: str, signature: str) -> None:
        assert verify_message(text, signature, address)

    return work
