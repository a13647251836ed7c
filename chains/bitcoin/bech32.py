"""Segregated witness addresses: BIP-173's bech32 for version 0, BIP-350's bech32m for all later ones. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import xor

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
LONGEST = 90
"""BIP-173: beyond this the checksum no longer detects what it promises."""

_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_STEPS = tuple(
    reduce(xor, (generator for bit, generator in enumerate(_GENERATOR) if top >> bit & 1), 0) for top in range(32)
)
"""What each value of the five topmost bits adds: the generators' sums, added up once."""
_BECH32, _BECH32M = 1, 0x2BC830A3
_CHECKSUM = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessProgram:
    """What a segregated witness output is locked with (BIP-141)."""

    prefix: str  # "bc", "tb", "bcrt"
    version: int  # 0 to 16
    program: bytes  # 2 to 40 bytes


def decode(address: str) -> WitnessProgram | None:
    """Return what the address names; None for anything that BIP-173 and BIP-350 do not allow."""
    parts = _split(address)
    if parts is None:
        return None
    prefix, (version, *words) = parts[0], parts[1]
    program = regroup(words)
    if version > 16 or program is None or not 2 <= len(program) <= 40:  # noqa: PLR2004  BIP-141's bounds
        return None
    if version == 0 and len(program) not in (20, 32):  # BIP-141: P2WPKH and P2WSH only
        return None
    if _polymod((*_expand(prefix), *parts[1], *parts[2])) != _constant(version):
        return None
    return WitnessProgram(prefix=prefix, version=version, program=program)


def encode(witness: WitnessProgram) -> str:
    """Return the address in lower case."""
    bits = "".join(f"{byte:08b}" for byte in witness.program)
    bits += "0" * (-len(bits) % 5)
    words = [witness.version, *(int(bits[at : at + 5], 2) for at in range(0, len(bits), 5))]
    remainder = _polymod((*_expand(witness.prefix), *words, *[0] * _CHECKSUM)) ^ _constant(witness.version)
    checksum = [remainder >> 5 * (_CHECKSUM - 1 - at) & 31 for at in range(_CHECKSUM)]
    return f"{witness.prefix}1" + "".join(ALPHABET[word] for word in (*words, *checksum))


def decode_words(text: str, *, longest: int) -> tuple[str, list[int]] | None:
    """Return the prefix and the groups of five bits of a text that is bech32 but no address (BOLT 11)."""
    parts = _split(text, longest)
    if parts is None or _polymod((*_expand(parts[0]), *parts[1], *parts[2])) != _BECH32:
        return None
    return parts[0], parts[1]


def regroup(words: Iterable[int]) -> bytes | None:
    """Turn groups of five bits into bytes; at most four bits may be left over, all of them zero."""
    number = count = 0
    for word in words:
        number, count = number << 5 | word, count + 1
    left = 5 * count % 8
    if left > 4 or number & (1 << left) - 1:  # noqa: PLR2004  BIP-173
        return None
    return (number >> left).to_bytes(5 * count // 8, "big")


def _split(address: str, longest: int = LONGEST) -> tuple[str, list[int], list[int]] | None:
    """Return prefix, words of data (at least the version) and words of checksum."""
    if len(address) > longest or address not in (address.lower(), address.upper()) or not address.isascii():
        return None
    prefix, separator, data = address.lower().rpartition("1")
    words = [_VALUE.get(character, -1) for character in data]
    if not separator or not prefix or -1 in words or len(words) <= _CHECKSUM:
        return None
    return prefix, words[:-_CHECKSUM], words[-_CHECKSUM:]


def _constant(version: int) -> int:
    return _BECH32 if version == 0 else _BECH32M


def _expand(prefix: str) -> tuple[int, ...]:
    return (*(ord(character) >> 5 for character in prefix), 0, *(ord(character) & 31 for character in prefix))


def _polymod(values: Iterable[int]) -> int:
    checksum = 1
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _STEPS[checksum >> 25]
    return checksum
