"""How a Bitcoin account shows itself: by BIP-137 or BIP-322, as its address and the signature's prefix say."""

from collections.abc import Callable, Mapping

from chains.account import Account
from chains.bitcoin.script import output_script
from verifier.bitcoin import bip137, bip322
from verifier.notation import from_base64
from verifier.port import Lookup
from verifier.verdict import Inconclusive, Invalid, Verdict

LONGEST_SIGNATURE = 16_384
"""Characters, 12,288 bytes: the largest input that nodes relay has 100 elements of 80 bytes and a script of 3,600."""
_PSBT = b"psbt\xff"
_VERSIONS = (bytes(4), b"\x02" + bytes(3))
"""How `to_sign` begins. A witness stack of none or two elements that begins so ends before these bytes do."""


async def verify(account: Account, message: str, signature: str, *, lookup: Lookup) -> Verdict:  # noqa: ARG001  the port's shape; no chain is asked
    """Return whether this Bitcoin account signed the message.

    The signature is base64 as BIP-137 and BIP-322 write it, behind BIP-322's prefix or none.
    """
    prefix, written = signature[: len(signature) % 4], signature[len(signature) % 4 :]
    raw = from_base64(written) if len(written) <= LONGEST_SIGNATURE else None
    if raw is None:
        return Invalid(reason=f"a signature is base64, of at most {LONGEST_SIGNATURE} characters")
    form = _FORMS.get(prefix)
    if form is None:
        return Invalid(reason="what stands before the base64 is none of BIP-322's prefixes")
    return form(account, message, raw)


def _unprefixed(account: Account, message: str, raw: bytes) -> Verdict:
    """Return the verdict on what was signed before BIP-322 had prefixes: by BIP-137, or in BIP-322's simple form.

    Bitcoin Knots signs for P2SH in full without a prefix, so what can only be a transaction is read as one.
    """
    if len(raw) == bip137.SIGNATURE_BYTES and bip137.kind_of(output_script(account.address) or b"") is not None:
        return bip137.verify(account, message, raw)
    form = bip322.full if raw.startswith(_VERSIONS) else bip322.simple
    return form(account, message, raw)


def _proof_of_funds(_account: Account, _message: str, raw: bytes) -> Verdict:
    """Return the verdict on BIP-322's third form: it says something of coins, which only a chain can confirm."""
    if not raw.startswith(_PSBT):
        return Invalid(reason="a proof of funds is a finalized PSBT")
    return Inconclusive(reason="a proof of funds takes the chain's coins to check: sign simple or full", passing=False)


_FORMS: Mapping[str, Callable[[Account, str, bytes], Verdict]] = {
    "": _unprefixed,
    "smp": bip322.simple,
    "ful": bip322.full,
    "pof": _proof_of_funds,
}
"""By BIP-322's prefix. Base64 comes in fours, so three letters more are a prefix, and data is never taken for one."""
