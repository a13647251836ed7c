"""Whether BIP-322's `to_sign` may spend an output: what each type of address asks for (BIP-16, 141, 341, 342). Pure."""

from collections.abc import Callable, Sequence
from functools import cache, partial

from coincurve import PublicKeyXOnly

from chains.hashes import hash160, sha256, sized, tagged
from verifier.bitcoin.machine import NOT_SATISFIED, Machine, Rules, run
from verifier.bitcoin.opcodes import OPERATIONS
from verifier.bitcoin.script import LONGEST_ELEMENT, Objection, pushes
from verifier.bitcoin.signature import ecdsa_holds, is_key, schnorr_holds
from verifier.bitcoin.transaction import ToSign, legacy_sighash, segwit_sighash, taproot_sighash
from verifier.verdict import Inconclusive, Invalid

TO_KEY_HASH, TO_SCRIPT_HASH = b"\x76\xa9\x14", b"\xa9\x14"
TO_WITNESS_KEY_HASH, TO_WITNESS_SCRIPT_HASH, TO_TAPROOT = b"\x00\x14", b"\x00\x20", b"\x51\x20"
"""How the output script of each type of address begins; the hash or key follows."""
_KEY_HASH = slice(3, 23)
_SCRIPT_HASH = slice(2, 22)
_PROGRAM = slice(2, None)
_ANNEX = 0x50
_TAPSCRIPT = 0xC0
_CONTROL_HEAD, _CONTROL_STEP, _DEEPEST = 33, 32, 128
_SIGNATURE_DOES_NOT_HOLD = Invalid(reason="another key signed this, or another text")
_UNSIGNED = Inconclusive(reason="the script asks for no signature, so nothing vouches for the text", passing=False)
"""BIP-322 calls such a proof valid; but whoever has seen one could make the same of any other text."""
_FOREIGN = Invalid(reason="this signature is for another address")
_tap_leaf, _tap_branch, _tap_tweak = tagged("TapLeaf"), tagged("TapBranch"), tagged("TapTweak")


def objection(to_sign: ToSign, script: bytes) -> Objection | None:
    """Return why `to_sign` may not spend an output of this script; None where all that BIP-322 requires holds.

    Invalid where it breaks a rule, Inconclusive where it uses what has no meaning yet or is not understood here.
    Versions and locks of `to_sign` are the caller's.
    """
    if script.startswith(TO_KEY_HASH):
        return _to_key_hash(to_sign, script)
    if script.startswith(TO_SCRIPT_HASH):
        return _to_script_hash(to_sign, script)
    return _FOREIGN if to_sign.script_sig else _to_witness(to_sign, script)


def nested_program(witness: tuple[bytes, ...], script: bytes) -> bytes | None:
    """Return the witness program that hides behind a P2SH address, if this witness is for one."""
    if not witness:
        return None
    for program in (TO_WITNESS_KEY_HASH + hash160(witness[-1]), TO_WITNESS_SCRIPT_HASH + sha256(witness[-1])):
        if hash160(program) == script[_SCRIPT_HASH]:
            return program
    return None


def _to_key_hash(to_sign: ToSign, script: bytes) -> Objection | None:
    """P2PKH: signature and key are pushed."""
    given = pushes(to_sign.script_sig)
    if not isinstance(given, list):
        return given
    if to_sign.witness:
        return Invalid(reason="an address without a witness cannot be signed for with one")
    return _by_key(given, script[_KEY_HASH], legacy_sighash(to_sign, script), uncompressed=True)


def _to_script_hash(to_sign: ToSign, script: bytes) -> Objection | None:
    """P2SH: the last push is the script, or the witness program that stands for one (BIP-16, BIP-141)."""
    given = pushes(to_sign.script_sig)
    if not isinstance(given, list):
        return given
    if not given or hash160(redeem := given.pop()) != script[_SCRIPT_HASH]:
        return _FOREIGN
    if redeem[:2] in (TO_WITNESS_KEY_HASH, TO_WITNESS_SCRIPT_HASH) and len(redeem) == 2 + redeem[1]:
        return Invalid(reason="a nested witness program stands alone") if given else _to_witness(to_sign, redeem)
    if to_sign.witness:
        return Invalid(reason="an address without a witness cannot be signed for with one")
    digest = legacy_sighash(to_sign, redeem)
    return _run(Rules.LEGACY, given, redeem, to_sign=to_sign, sighash=lambda _kind: digest)


def _to_witness(to_sign: ToSign, program: bytes) -> Objection | None:
    if not to_sign.witness:
        return Invalid(reason="there is no signature in it")
    if program.startswith(TO_WITNESS_KEY_HASH):
        return _to_witness_key_hash(to_sign, program[_PROGRAM])
    if program.startswith(TO_WITNESS_SCRIPT_HASH):
        return _to_witness_script_hash(to_sign, program[_PROGRAM])
    if program.startswith(TO_TAPROOT):
        return _to_taproot(to_sign, program)
    return Inconclusive(reason="this witness version has no meaning yet", passing=False)


def _to_witness_key_hash(to_sign: ToSign, key_hash: bytes) -> Objection | None:
    """P2WPKH: signature and key are the witness, and what is signed has P2PKH's script in it (BIP-143)."""
    digest = segwit_sighash(to_sign, TO_KEY_HASH + key_hash + b"\x88\xac")
    return _by_key(to_sign.witness, key_hash, digest, uncompressed=False)


def _by_key(given: Sequence[bytes], key_hash: bytes, digest: bytes, *, uncompressed: bool) -> Objection | None:
    """What P2PKH's script does, DUP HASH160 <key_hash> EQUALVERIFY CHECKSIG, without a machine to run it on."""
    if len(given) != 2:  # noqa: PLR2004  signature and key
        return NOT_SATISFIED
    signature, key = given
    if hash160(key) != key_hash or not is_key(key, uncompressed=uncompressed):
        return _FOREIGN
    return None if ecdsa_holds(signature, key, digest) else _SIGNATURE_DOES_NOT_HOLD


def _to_witness_script_hash(to_sign: ToSign, script_hash: bytes) -> Objection | None:
    *given, script = to_sign.witness
    if sha256(script) != script_hash:
        return _FOREIGN
    digest = segwit_sighash(to_sign, script)
    return _run(Rules.SEGWIT, given, script, to_sign=to_sign, sighash=lambda _kind: digest)


def _to_taproot(to_sign: ToSign, program: bytes) -> Objection | None:
    """P2TR: one element is a signature by the output's key, more are a script and the proof that the key commits to it.

    BIP-341 §Script validation rules.
    """
    *given, last = to_sign.witness
    if not given:
        holds = schnorr_holds(last, program[_PROGRAM], partial(taproot_sighash, to_sign, program))
        return None if holds else _SIGNATURE_DOES_NOT_HOLD
    if last[:1] == bytes((_ANNEX,)):
        return Inconclusive(reason="an annex has no meaning yet", passing=False)
    script = given.pop()
    leaf = _tap_leaf(bytes((last[0] & 0xFE,)) + sized(script)) if last else b""
    if not _commits(program[_PROGRAM], leaf, last):
        return _FOREIGN
    if last[0] & 0xFE != _TAPSCRIPT:
        return Inconclusive(reason="this version of tapscript has no meaning yet", passing=False)
    sighash = cache(partial(taproot_sighash, to_sign, program, leaf=leaf))
    return _run(Rules.TAPSCRIPT, given, script, to_sign=to_sign, sighash=sighash)


def _commits(key: bytes, leaf: bytes, control: bytes) -> bool:
    """Whether the output's key commits to a leaf of the script tree by this control block."""
    depth, rest = divmod(len(control) - _CONTROL_HEAD, _CONTROL_STEP)
    if rest or not 0 <= depth <= _DEEPEST:
        return False
    node = leaf
    for at in range(_CONTROL_HEAD, len(control), _CONTROL_STEP):
        node = _tap_branch(b"".join(sorted((node, control[at : at + _CONTROL_STEP]))))
    internal = control[1:_CONTROL_HEAD]
    try:
        tweaked = PublicKeyXOnly(internal)
        tweaked.tweak_add(_tap_tweak(internal + node))
    except ValueError:  # no point of the curve, or a tweak beyond its order
        return False
    return tweaked.format() == key and tweaked.parity == bool(control[0] & 1)


def _run(
    rules: Rules, given: list[bytes], script: bytes, *, to_sign: ToSign, sighash: Callable[[int], bytes]
) -> Objection | None:
    if any(len(element) > LONGEST_ELEMENT for element in given):
        return NOT_SATISFIED
    machine = Machine(rules=rules, script=script, stack=given, to_sign=to_sign, sighash=sighash)
    return run(machine, OPERATIONS) or (None if machine.checks else _UNSIGNED)
