"""What the opcodes do that wallets write: Miniscript's (BIP-379), NOP and DROP, in one table. Pure."""

from collections.abc import Callable, Mapping

from chains.hashes import hash160, ripemd160, sha256, sha256d
from verifier.bitcoin.machine import MOST_OPERATIONS, NOT_SATISFIED, Machine, Operation, Rules
from verifier.bitcoin.script import Objection, element, number, truth
from verifier.bitcoin.signature import ecdsa_holds, is_key, schnorr_holds
from verifier.bitcoin.transaction import SIGHASH_ALL
from verifier.verdict import Inconclusive, Invalid

MOST_CHECKS = 64
"""Signature checks in one script, our own bound: OP_CHECKMULTISIG has 20 keys at most."""
_MOST_KEYS = 20
_X_ONLY = 32
_LOCK_TIME_IS_TIME = 500_000_000
"""From here on a lock time counts seconds since 1970, below it blocks (BIP-65)."""
_SEQUENCE_FINAL = 0xFFFFFFFF
_SEQUENCE_DISABLED, _SEQUENCE_IS_TIME, _SEQUENCE_VALUE = 1 << 31, 1 << 22, 0xFFFF  # BIP-68
_LOCK_BYTES = 5
_TRUE, _FALSE = b"\x01", b""
_FIND_AND_DELETE = Invalid(reason="BIP-322 forbids a signature that stands in the script it signs")
_LOCKED = Invalid(reason="the script is locked to a later time than the signature names")


def _verified(operation: Operation) -> Operation:
    """Return the operation whose name ends in VERIFY: what it leaves must be true, and goes."""

    def run(machine: Machine) -> Objection | None:
        return operation.run(machine) or _verify(machine)

    return Operation(needs=operation.needs, run=run)


def _verify(machine: Machine) -> Objection | None:
    return None if truth(machine.stack.pop()) else NOT_SATISFIED


def _hashing(function: Callable[[bytes], bytes]) -> Operation:
    def run(machine: Machine) -> None:
        machine.stack.append(function(machine.stack.pop()))

    return Operation(needs=1, run=run)


def _calculating(function: Callable[[int, int], int]) -> Operation:
    """Return the operation on two numbers."""

    def run(machine: Machine) -> Objection | None:
        second, first = number(machine.stack.pop()), number(machine.stack.pop())
        if first is None or second is None:
            return NOT_SATISFIED
        machine.stack.append(element(function(first, second)))
        return None

    return Operation(needs=2, run=run)


def _branching(*, when: bool) -> Operation:
    def run(machine: Machine) -> Objection | None:
        taken = False
        if not machine.passed_over:
            if not machine.stack or (condition := machine.stack.pop()) not in (_TRUE, _FALSE):
                return Invalid(reason="the condition of a branch is neither true nor false (MINIMALIF)")
            taken = (condition == _TRUE) is when
        machine.branches.append(taken)
        machine.passed_over += not taken
        return None

    return Operation(run=run, everywhere=True)


def _else(machine: Machine) -> Objection | None:
    if not machine.branches:
        return NOT_SATISFIED
    machine.passed_over += 1 if machine.branches[-1] else -1
    machine.branches[-1] = not machine.branches[-1]
    return None


def _end_if(machine: Machine) -> Objection | None:
    if not machine.branches:
        return NOT_SATISFIED
    machine.passed_over -= not machine.branches.pop()
    return None


def _nothing(_machine: Machine) -> None:
    return None


def _put_aside(machine: Machine) -> None:
    machine.put_aside.append(machine.stack.pop())


def _take_back(machine: Machine) -> Objection | None:
    if not machine.put_aside:
        return NOT_SATISFIED
    machine.stack.append(machine.put_aside.pop())
    return None


def _double(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _double_if_true(machine: Machine) -> None:
    if truth(machine.stack[-1]):
        machine.stack.append(machine.stack[-1])


def _drop(machine: Machine) -> None:
    machine.stack.pop()


def _swap(machine: Machine) -> None:
    machine.stack[-2:] = machine.stack[-1], machine.stack[-2]


def _size(machine: Machine) -> None:
    machine.stack.append(element(len(machine.stack[-1])))


def _equal(machine: Machine) -> None:
    machine.stack.append(_TRUE if machine.stack.pop() == machine.stack.pop() else _FALSE)


def _is_not_zero(machine: Machine) -> Objection | None:
    value = number(machine.stack.pop())
    if value is None:
        return NOT_SATISFIED
    machine.stack.append(_TRUE if value else _FALSE)
    return None


def _lock_time(machine: Machine) -> Objection | None:
    """OP_CHECKLOCKTIMEVERIFY, BIP-65."""
    least, given = number(machine.stack[-1], longest=_LOCK_BYTES), machine.to_sign.lock_time
    if least is None or least < 0:
        return NOT_SATISFIED
    same_unit = (least < _LOCK_TIME_IS_TIME) is (given < _LOCK_TIME_IS_TIME)
    return None if same_unit and least <= given and machine.to_sign.sequence != _SEQUENCE_FINAL else _LOCKED


def _sequence(machine: Machine) -> Objection | None:
    """OP_CHECKSEQUENCEVERIFY, BIP-112."""
    least, given = number(machine.stack[-1], longest=_LOCK_BYTES), machine.to_sign.sequence
    if least is None or least < 0:
        return NOT_SATISFIED
    if least & _SEQUENCE_DISABLED:
        return None
    same_unit = least & _SEQUENCE_IS_TIME == given & _SEQUENCE_IS_TIME
    old_enough = least & _SEQUENCE_VALUE <= given & _SEQUENCE_VALUE
    counts = machine.to_sign.version >= 2 and not given & _SEQUENCE_DISABLED  # noqa: PLR2004  BIP-68
    return None if same_unit and old_enough and counts else _LOCKED


def _holds(machine: Machine, signature: bytes, key: bytes) -> bool | Objection:
    """Whether a key made a signature; no signature at all is the one way to say that it did not (NULLFAIL)."""
    if objection := _key_objection(key, machine.rules):
        return objection
    if not signature:
        return False
    machine.checks += 1
    if machine.checks > MOST_CHECKS:
        return Inconclusive(reason="the script has more signatures than are checked here", passing=False)
    if machine.rules is Rules.TAPSCRIPT:
        return schnorr_holds(signature, key, machine.sighash)
    return ecdsa_holds(signature, key, machine.sighash(SIGHASH_ALL))


def _key_objection(key: bytes, rules: Rules) -> Objection | None:
    """Return why a key may not stand in a script."""
    if rules is Rules.TAPSCRIPT:
        if key and len(key) != _X_ONLY:
            return Inconclusive(reason="the script has a key of a type that is not defined yet", passing=False)
        written = bool(key)
    else:
        written = is_key(key, uncompressed=rules is Rules.LEGACY)
    return None if written else Invalid(reason="the script has a key that is not written as keys are")


def _stands_in_script(machine: Machine, signature: bytes) -> bool:
    """Whether FindAndDelete would change what is signed, an absent signature being OP_0."""
    return machine.rules is Rules.LEGACY and any(step.pushes == signature for step in machine.steps)


def _check(machine: Machine) -> Objection | None:
    key, signature = machine.stack.pop(), machine.stack.pop()
    if _stands_in_script(machine, signature):
        return _FIND_AND_DELETE
    holds = _holds(machine, signature, key)
    if not isinstance(holds, bool):
        return holds
    if signature and not holds:
        return Invalid(reason="a signature does not hold")
    machine.stack.append(_TRUE if holds else _FALSE)
    return None


def _check_and_add(machine: Machine) -> Objection | None:
    """OP_CHECKSIGADD, BIP-342."""
    if machine.rules is not Rules.TAPSCRIPT:
        return NOT_SATISFIED
    key, count = machine.stack.pop(), number(machine.stack.pop())
    machine.stack.append(key)
    if count is None:
        return NOT_SATISFIED
    objection = _check(machine)
    if objection is None:
        machine.stack.append(element(count + truth(machine.stack.pop())))
    return objection


def _check_several(machine: Machine) -> Objection | None:
    """OP_CHECKMULTISIG: signatures in the order of their keys, compared from the last, as consensus compares them."""
    taken = _keys_and_signatures(machine)
    if taken is None:
        return NOT_SATISFIED
    keys, signatures = taken
    if any(_stands_in_script(machine, signature) for signature in signatures):
        return _FIND_AND_DELETE
    given = any(signatures)
    while signatures and len(signatures) <= len(keys):
        holds = _holds(machine, signatures[-1], keys.pop())
        if not isinstance(holds, bool):
            return holds
        if holds:
            signatures.pop()
    if signatures and given:
        return Invalid(reason="a signature does not hold")
    machine.stack.append(_FALSE if signatures else _TRUE)
    return None


def _keys_and_signatures(machine: Machine) -> tuple[list[bytes], list[bytes]] | None:
    """Take what OP_CHECKMULTISIG needs: keys, signatures and the zero below them (BIP-147). Never in tapscript."""
    keys = None if machine.rules is Rules.TAPSCRIPT else _counted(machine, _MOST_KEYS)
    if keys is None:
        return None
    machine.operations += len(keys)
    signatures = _counted(machine, len(keys))
    if signatures is None or not machine.stack or machine.stack.pop() or machine.operations > MOST_OPERATIONS:
        return None
    return keys, signatures


def _counted(machine: Machine, most: int) -> list[bytes] | None:
    """Take a number from the stack and as many elements below it."""
    count = number(machine.stack.pop()) if machine.stack else None
    if count is None or not 0 <= count <= min(most, len(machine.stack)):
        return None
    at = len(machine.stack) - count
    taken, machine.stack[at:] = machine.stack[at:], []
    return taken


_CHECKSIG = Operation(needs=2, run=_check)
_CHECKMULTISIG = Operation(needs=1, run=_check_several)
_EQUAL = Operation(needs=2, run=_equal)
_NUMEQUAL = _calculating(lambda first, second: first == second)

OPERATIONS: Mapping[int, Operation] = {
    0x61: Operation(run=_nothing),
    0x63: _branching(when=True),
    0x64: _branching(when=False),
    0x67: Operation(run=_else, everywhere=True),
    0x68: Operation(run=_end_if, everywhere=True),
    0x69: Operation(needs=1, run=_verify),
    0x6B: Operation(needs=1, run=_put_aside),
    0x6C: Operation(run=_take_back),
    0x73: Operation(needs=1, run=_double_if_true),
    0x75: Operation(needs=1, run=_drop),
    0x76: Operation(needs=1, run=_double),
    0x7C: Operation(needs=2, run=_swap),
    0x82: Operation(needs=1, run=_size),
    0x87: _EQUAL,
    0x88: _verified(_EQUAL),
    0x92: Operation(needs=1, run=_is_not_zero),
    0x93: _calculating(lambda first, second: first + second),
    0x9A: _calculating(lambda first, second: bool(first and second)),
    0x9B: _calculating(lambda first, second: bool(first or second)),
    0x9C: _NUMEQUAL,
    0x9D: _verified(_NUMEQUAL),
    0xA6: _hashing(ripemd160),
    0xA8: _hashing(sha256),
    0xA9: _hashing(hash160),
    0xAA: _hashing(sha256d),
    0xAC: _CHECKSIG,
    0xAD: _verified(_CHECKSIG),
    0xAE: _CHECKMULTISIG,
    0xAF: _verified(_CHECKMULTISIG),
    0xB1: Operation(needs=1, run=_lock_time),
    0xB2: Operation(needs=1, run=_sequence),
    0xBA: Operation(needs=3, run=_check_and_add),
}
