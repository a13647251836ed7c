"""Bitcoin Script on paper: its instructions, its pushes and its numbers. Pure; nothing runs here."""

from dataclasses import dataclass

from verifier.verdict import Inconclusive, Invalid

Objection = Invalid | Inconclusive

OP_PUSHDATA1, OP_PUSHDATA4, OP_1NEGATE, OP_1 = 0x4C, 0x4E, 0x4F, 0x51
LONGEST_ELEMENT = 520
"""Bytes of one element on the stack (consensus)."""
MOST_INSTRUCTIONS = 1_000
"""Our own bound: a wallet's script is far below it, and no script shall keep anybody waiting."""
_NUMBERS = {OP_1NEGATE: b"\x81"} | {OP_1 - 1 + number: bytes((number,)) for number in range(1, 17)}
_OPCODE_OF = {data: opcode for opcode, data in _NUMBERS.items()} | {b"": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One step of a script."""

    opcode: int
    pushes: bytes | None = None

    @property
    def minimal(self) -> bool:
        """Whether a push is made in the shortest way there is (BIP-62 rule 3, MINIMALDATA)."""
        return self.pushes is None or self.opcode == push(self.pushes)[0]


_WITHOUT_DATA = tuple(Instruction(opcode=opcode, pushes=_NUMBERS.get(opcode)) for opcode in range(1 << 8))
"""Made once: most steps of a script have no bytes of their own."""


def instructions(script: bytes) -> tuple[Instruction, ...] | Objection:
    """Return the steps of a script."""
    found: list[Instruction] = []
    at = 0
    while at < len(script):
        if len(found) == MOST_INSTRUCTIONS:
            return Inconclusive(reason="the script is longer than is checked here", passing=False)
        opcode = script[at]
        at += 1
        if opcode > OP_PUSHDATA4:
            found.append(_WITHOUT_DATA[opcode])
            continue
        size = 1 << opcode - OP_PUSHDATA1 if opcode >= OP_PUSHDATA1 else 0
        length = int.from_bytes(script[at : at + size], "little") if size else opcode
        at += size + length
        if at > len(script) or length > LONGEST_ELEMENT:
            return Invalid(reason="a script pushes more bytes than it has or may")
        found.append(Instruction(opcode=opcode, pushes=script[at - length : at]))
    return tuple(found)


def pushes(script: bytes) -> list[bytes] | Objection:
    """Return what a script pushes that does nothing else, as what satisfies an output without witness must (BIP-16)."""
    steps = instructions(script)
    if not isinstance(steps, tuple):
        return steps
    if not all(step.minimal for step in steps):
        return Invalid(reason="a push is not made in the shortest way")
    found = [step.pushes for step in steps if step.pushes is not None]
    return found if len(found) == len(steps) else Inconclusive(reason="the input does more than push", passing=False)


def push(data: bytes) -> bytes:
    """Return the shortest script that pushes these bytes."""
    if (opcode := _OPCODE_OF.get(data)) is not None:
        return bytes((opcode,))
    if len(data) < OP_PUSHDATA1:
        return bytes((len(data),)) + data
    size = 1 if len(data) < 1 << 8 else 2 if len(data) < 1 << 16 else 4
    return bytes((OP_PUSHDATA1 + size // 2,)) + len(data).to_bytes(size, "little") + data


def number(element: bytes, *, longest: int = 4) -> int | None:
    """Return an element read as a number; None where it is longer or not written in the shortest way."""
    if not element:
        return 0
    if len(element) > longest or not (element[-1] & 0x7F or (len(element) > 1 and element[-2] & 0x80)):
        return None
    magnitude = int.from_bytes(element, "little") & ~(0x80 << 8 * (len(element) - 1))
    return -magnitude if element[-1] & 0x80 else magnitude


def element(value: int) -> bytes:
    """Return a number as an element; inverse to `number`."""
    if not value:
        return b""
    length = abs(value).bit_length() // 8 + 1  # one bit more than the magnitude has, for the sign
    sign = 0x80 << 8 * (length - 1) if value < 0 else 0
    return (abs(value) | sign).to_bytes(length, "little")


def truth(element: bytes) -> bool:
    """Whether an element counts as true: anything but zeros, and but the zero with a sign."""
    return any(element[:-1]) or element[-1:] not in (b"", b"\x00", b"\x80")
