"""BIP-322, generic signed messages: a text signed as a transaction that spends an output of the address. Pure.

Version 2.0.0 §Verification Process. Which of its forms a signature has is told by its prefix, before it comes here.
"""

from datetime import UTC, datetime

from chains.account import Account
from chains.bitcoin.script import output_script
from chains.hashes import sha256d, sized, tagged
from verifier.bitcoin import spend as bitcoin_spend
from verifier.bitcoin.script import push
from verifier.bitcoin.spend import TO_KEY_HASH, TO_SCRIPT_HASH
from verifier.bitcoin.transaction import ToSign, read_to_sign, read_witness
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict

message_hash = tagged("BIP0322-signed-message")

_TO_SPEND_BEFORE_HASH = bytes(4) + b"\x01" + bytes(32) + b"\xff" * 4 + b"\x22\x00\x20"
_TO_SPEND_AFTER_HASH = bytes(4) + b"\x01" + bytes(8)
_VERSIONS = (0, 2)
_LOCK_TIME_IS_TIME = 500_000_000  # BIP-65
_SEQUENCE_DISABLED, _SEQUENCE_IS_TIME, _SEQUENCE_VALUE, _SEQUENCE_SECONDS = 1 << 31, 1 << 22, 0xFFFF, 512  # BIP-68


def outpoint(message: str, script: bytes) -> bytes:
    """Return what `to_sign` must spend: the first output of `to_spend`, which pays this script for this message."""
    hashed = message_hash(message.encode())
    to_spend = _TO_SPEND_BEFORE_HASH + hashed + _TO_SPEND_AFTER_HASH + sized(script) + bytes(4)
    return sha256d(to_spend) + bytes(4)


def simple(account: Account, message: str, signature: bytes) -> Verdict:
    """Return the verdict on a witness stack, the short form for addresses with a witness. UTF-8 must hold the text.

    P2SH addresses have it too, as wallets sign it: what their input pushes follows from the witness.
    """
    script = output_script(account.address)
    if script is None or script.startswith(TO_KEY_HASH):
        return Invalid(reason="this address has no witness: sign it in full, or by BIP-137")
    try:
        witness = read_witness(signature)
    except ValueError as error:
        return Invalid(reason=f"this is no witness stack: {error}")
    script_sig = b""
    if script.startswith(TO_SCRIPT_HASH):
        program = bitcoin_spend.nested_program(witness, script)
        if program is None:
            return Invalid(reason="this signature is for another address, or for one that has to be signed for in full")
        script_sig = push(program)
    to_sign = ToSign(outpoint=outpoint(message, script), witness=witness, script_sig=script_sig)
    return bitcoin_spend.objection(to_sign, script) or Valid(account=account, scheme="bip322-simple")


def full(account: Account, message: str, signature: bytes) -> Verdict:
    """Return the verdict on a whole `to_sign`. UTF-8 must hold the text.

    A signature under a time lock is Inconclusive and names the lock: no chain's height or coin's age is known here.
    """
    try:
        to_sign = read_to_sign(signature)
    except ValueError as error:
        return Invalid(reason=f"this is no transaction as BIP-322 wants it: {error}")
    script = output_script(account.address)
    if script is None or to_sign.outpoint != outpoint(message, script):
        return Invalid(reason="this signature is for another address or another text")
    objection = bitcoin_spend.objection(to_sign, script) or _reservation(to_sign)
    return objection or Valid(account=account, scheme="bip322-full")


def _reservation(to_sign: ToSign) -> Inconclusive | None:
    """Return what keeps a signature that holds from being valid here: BIP-322's upgradeable rules, or its locks."""
    if to_sign.version not in _VERSIONS:
        return Inconclusive(reason="this version of transactions has no meaning yet", passing=False)
    if lock := _lock(to_sign):
        return Inconclusive(reason=f"the signature is under a time lock: {lock}", passing=False)
    return None


def _lock(to_sign: ToSign) -> str | None:
    """Return T and S of BIP-322's "valid at time T and age S"; None where neither asks for anything."""
    time, age = to_sign.lock_time, to_sign.sequence
    if not time and (not age or age & _SEQUENCE_DISABLED):
        return None
    since = f"block {time}" if time < _LOCK_TIME_IS_TIME else f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"
    count = age & _SEQUENCE_VALUE
    length = f"{count * _SEQUENCE_SECONDS} seconds" if age & _SEQUENCE_IS_TIME else f"{count} blocks"
    return f"valid at time {time} ({since}) and age {age} ({'none' if age & _SEQUENCE_DISABLED else length})"
