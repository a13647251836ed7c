"""The stack that a Bitcoin script runs on, and how it runs. Pure; what each opcode does stands in its table.

Not every opcode is known, and BIP-322 §Verification Process lets a verifier say so: then nothing is decided.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from verifier.bitcoin.script import Instruction, Objection, instructions, truth
from verifier.bitcoin.transaction import ToSign
from verifier.verdict import Inconclusive, Invalid

OP_16, OP_CODESEPARATOR = 0x60, 0xAB
LONGEST_SCRIPT = 10_000
MOST_OPERATIONS = 201
MOST_ELEMENTS = 1_000
"""Consensus (Bitcoin Core, script/script.h). The first two do not hold in tapscript (BIP-342)."""
NOT_SATISFIED = Invalid(reason="the address's script is not satisfied")


class Rules(Enum):
    """Which of the three generations of rules a script runs under."""

    LEGACY = auto()
    SEGWIT = auto()  # witness version 0: BIP-141, BIP-143
    TAPSCRIPT = auto()  # BIP-342


@dataclass(kw_only=True, slots=True)
class Machine:
    """A script while it runs."""

    rules: Rules
    script: bytes
    stack: list[bytes]
    to_sign: ToSign
    sighash: Callable[[int], bytes]  # by hash type: what a signature in this script signs
    steps: tuple[Instruction, ...] = ()
    put_aside: list[bytes] = field(default_factory=list)
    branches: list[bool] = field(default_factory=list)  # of the IFs around the instruction: whether they are taken
    passed_over: int = 0  # how many of those are not
    operations: int = 0
    checks: int = 0  # of signatures


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What an opcode does."""

    run: Callable[[Machine], Objection | None]
    needs: int = 0  # elements on the stack
    everywhere: bool = False  # also in a branch that is not taken: IF, ELSE, ENDIF


def run(machine: Machine, operations: Mapping[int, Operation]) -> Objection | None:
    """Run a script to its end; None if it leaves exactly one true element (CLEANSTACK) and broke no rule."""
    steps = instructions(machine.script)
    if not isinstance(steps, tuple):
        return steps
    machine.steps = steps
    machine.operations = sum(step.opcode > OP_16 for step in steps)
    if objection := _beforehand(machine, operations):
        return objection
    for step in steps:
        if objection := _push(machine, step) if step.pushes is not None else _do(machine, operations[step.opcode]):
            return objection
        if len(machine.stack) + len(machine.put_aside) > MOST_ELEMENTS:
            return NOT_SATISFIED
    return None if not machine.branches and len(machine.stack) == 1 and truth(machine.stack[0]) else NOT_SATISFIED


def _beforehand(machine: Machine, operations: Mapping[int, Operation]) -> Objection | None:
    """Return what can be said against a script before it runs."""
    used = {step.opcode for step in machine.steps if step.pushes is None}
    if OP_CODESEPARATOR in used:
        return Invalid(reason="BIP-322 forbids OP_CODESEPARATOR")
    if not used <= operations.keys():
        return Inconclusive(reason="the script uses an opcode that is not understood here", passing=False)
    if machine.rules is Rules.TAPSCRIPT and len(machine.stack) > MOST_ELEMENTS:
        return NOT_SATISFIED  # BIP-342: before it runs, too
    too_long = len(machine.script) > LONGEST_SCRIPT or machine.operations > MOST_OPERATIONS
    if too_long and machine.rules is not Rules.TAPSCRIPT:
        return Invalid(reason="the script is longer than consensus allows")
    return None


def _push(machine: Machine, step: Instruction) -> Objection | None:
    if machine.passed_over or step.pushes is None:
        return None
    machine.stack.append(step.pushes)
    return None if step.minimal else Invalid(reason="a push is not made in the shortest way")


def _do(machine: Machine, operation: Operation) -> Objection | None:
    if machine.passed_over and not operation.everywhere:
        return None
    return operation.run(machine) if len(machine.stack) >= operation.needs else NOT_SATISFIED
