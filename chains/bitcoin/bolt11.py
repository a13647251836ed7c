"""Lightning invoices (BOLT 11), as far as a payment link must not contradict itself: amount and fallback address. Pure.

Nothing is paid by Lightning here, and no signature is checked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chains.bitcoin import bech32
from chains.bitcoin.script import key_hash_script, script_hash_script, witness_script

LONGEST = 7_089
"""Characters that the largest QR code holds."""
_HUMAN_READABLE = re.compile(r"ln(?P<network>bcrt|bc|tbs|tb)(?:(?P<amount>[1-9][0-9]{0,17})(?P<multiplier>[munp]?))?")
_PICO = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
"""Of a bitcoin, by multiplier."""
_PICO_PER_MILLISATOSHI = 10
_SIGNATURE, _TIMESTAMP = 104, 7
"""Words of five bits at the end and at the start of the data."""
_FALLBACK = 9
"""The tagged field `f`."""
_P2PKH, _P2SH = 17, 18
_HASH160 = 20
_LAST_WITNESS_VERSION, _LONGEST_PROGRAM = 16, 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """What an invoice asks for."""

    millisatoshis: int | None  # None: the payer decides
    fallbacks: tuple[bytes, ...]  # output scripts that may be paid on the chain instead


def read(invoice: str) -> Invoice | None:
    """Return what an invoice asks for; None for a text that is none. No text raises."""
    human_readable, words = bech32.decode_words(invoice, longest=LONGEST) or ("", [])
    match = _HUMAN_READABLE.fullmatch(human_readable)
    if match is None or len(words) < _TIMESTAMP + _SIGNATURE:
        return None
    millisatoshis = None
    if match["amount"] is not None:
        millisatoshis, rest = divmod(int(match["amount"]) * _PICO[match["multiplier"]], _PICO_PER_MILLISATOSHI)
        if rest:
            return None
    fallbacks = _fallbacks(words[_TIMESTAMP:-_SIGNATURE])
    return None if fallbacks is None else Invoice(millisatoshis=millisatoshis, fallbacks=fallbacks)


def _fallbacks(words: Sequence[int]) -> tuple[bytes, ...] | None:
    """Return the scripts of the fields that name one; None where the fields do not fill the data exactly."""
    scripts: list[bytes] = []
    at = 0
    while at < len(words):
        if at + 3 > len(words):
            return None
        kind, length = words[at], words[at + 1] * 32 + words[at + 2]
        field = words[at + 3 : at + 3 + length]
        at += 3 + length
        if at > len(words):
            return None
        script = _script(field[0], bech32.regroup(field[1:])) if kind == _FALLBACK and field else None
        scripts += [] if script is None else [script]
    return tuple(scripts)


def _script(version: int, program: bytes | None) -> bytes | None:
    """Return what a fallback stands for; versions that nobody knows yet are to be skipped."""
    if program is None:
        return None
    if version in (_P2PKH, _P2SH):
        make = key_hash_script if version == _P2PKH else script_hash_script
        return make(program) if len(program) == _HASH160 else None
    known = version <= _LAST_WITNESS_VERSION and 2 <= len(program) <= _LONGEST_PROGRAM  # noqa: PLR2004  BIP-141
    return witness_script(version, program) if known else None
