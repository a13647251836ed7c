"""BIP-322's `to_sign`: read from its bytes, and hashed for a signature in each of the three ways Bitcoin has. Pure.

It is a transaction of one input and one output that no network takes. Reading is strict: no second spelling, no rest.
"""

from dataclasses import dataclass

from chains.hashes import compact_size, sha256, sha256d, sized, tagged

SIGHASH_DEFAULT, SIGHASH_ALL = 0, 1
_ALL = SIGHASH_ALL.to_bytes(4, "little")
_OUTPUT = bytes(8) + b"\x01\x6a"
"""Value 0, paid to OP_RETURN: BIP-322's only output."""
_OUTPUT_HASH, _OUTPUT_HASH_TWICE = sha256(_OUTPUT), sha256d(_OUTPUT)
_NO_VALUE = bytes(8)
_NO_VALUE_HASH = sha256(_NO_VALUE)
_OUTPOINT = 36
_MOST_ELEMENTS = 1_024
"""Consensus allows 1,000 on a stack, before the script and what proves that the address commits to it."""
_WITNESS_FOLLOWS = b"\x00\x01"
"""BIP-144's marker and flag, where the number of inputs stands otherwise."""
_LEAF_VERSION_KEY_AND_NO_SEPARATOR = b"\x00" + b"\xff" * 4
"""BIP-342: the key version, and that no OP_CODESEPARATOR was executed."""
_tap_sighash = tagged("TapSighash")


@dataclass(frozen=True, kw_only=True, slots=True)
class ToSign:
    """What a signature says of `to_sign`; its output is always the same."""

    outpoint: bytes  # 32 bytes of txid and 4 of index, as they are hashed
    script_sig: bytes = b""
    witness: tuple[bytes, ...] = ()
    version: int = 0
    sequence: int = 0
    lock_time: int = 0

    @property
    def numbers(self) -> tuple[bytes, bytes, bytes]:
        """Return version, sequence and lock time as they are hashed."""
        return (
            self.version.to_bytes(4, "little"),
            self.sequence.to_bytes(4, "little"),
            self.lock_time.to_bytes(4, "little"),
        )


class _Reader:
    """Takes bytes from the front. Its ValueErrors say why the bytes are not what they should be."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ValueError("it ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def length(self) -> int:
        first = self.take(1)[0]
        if first < 0xFD:  # noqa: PLR2004  compact size: below it the byte is the length
            return first
        size = 1 << first - 0xFC
        length = self.number(size)
        if len(compact_size(length)) != 1 + size:
            raise ValueError("a length is written with more bytes than it needs")
        return length

    def sized(self) -> bytes:
        return self.take(self.length())

    def witness(self) -> tuple[bytes, ...]:
        count = self.length()
        if count > _MOST_ELEMENTS:
            raise ValueError("it has more elements than a stack may")
        return tuple(self.sized() for _ in range(count))

    def skip(self, expected: bytes) -> bool:
        """Pass over these bytes if they come next."""
        if not self._data.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def finish(self) -> None:
        if self._at != len(self._data):
            raise ValueError("something follows after its end")


def read_witness(raw: bytes) -> tuple[bytes, ...]:
    """Return the items of a witness stack. Raises ValueError, saying why, if these bytes are not exactly one."""
    reader = _Reader(raw)
    witness = reader.witness()
    reader.finish()
    return witness


def read_to_sign(raw: bytes) -> ToSign:
    """Return the transaction. Raises ValueError, saying why, if these bytes are not exactly one of BIP-322's shape."""
    reader = _Reader(raw)
    version = reader.number(4)
    has_witness = reader.skip(_WITNESS_FOLLOWS)
    if reader.length() != 1:
        raise ValueError("it has other inputs than the one that spends the message")
    outpoint, script_sig, sequence = reader.take(_OUTPOINT), reader.sized(), reader.number(4)
    if not reader.skip(b"\x01" + _OUTPUT):
        raise ValueError("its output is not the one of value 0 to OP_RETURN")
    witness = reader.witness() if has_witness else ()
    lock_time = reader.number(4)
    reader.finish()
    if has_witness and not witness:
        raise ValueError("its witness is announced and empty")  # BIP-144: then the old serialisation must be used
    return ToSign(
        outpoint=outpoint,
        script_sig=script_sig,
        witness=witness,
        version=version,
        sequence=sequence,
        lock_time=lock_time,
    )


def legacy_sighash(to_sign: ToSign, script_code: bytes) -> bytes:
    """Return what SIGHASH_ALL signs in an input without witness: the transaction with `script_code` in its input."""
    version, sequence, lock_time = to_sign.numbers
    inputs = b"\x01" + to_sign.outpoint + sized(script_code) + sequence
    return sha256d(version + inputs + b"\x01" + _OUTPUT + lock_time + _ALL)


def segwit_sighash(to_sign: ToSign, script_code: bytes) -> bytes:
    """Return what SIGHASH_ALL signs in an input of witness version 0 (BIP-143 §Specification)."""
    version, sequence, lock_time = to_sign.numbers
    spent = to_sign.outpoint + sized(script_code) + _NO_VALUE + sequence
    return sha256d(
        version + sha256d(to_sign.outpoint) + sha256d(sequence) + spent + _OUTPUT_HASH_TWICE + lock_time + _ALL
    )


def taproot_sighash(to_sign: ToSign, script: bytes, sighash: int, *, leaf: bytes | None = None) -> bytes:
    """Return what SIGHASH_DEFAULT or SIGHASH_ALL signs in an input of witness version 1 (BIP-341, BIP-342).

    `script` is the output's; `leaf` is the hash of the tapscript that runs, None for a signature by the output's key.
    """
    version, sequence, lock_time = to_sign.numbers
    hashes = sha256(to_sign.outpoint) + _NO_VALUE_HASH + sha256(sized(script)) + sha256(sequence) + _OUTPUT_HASH
    extension = b"" if leaf is None else leaf + _LEAF_VERSION_KEY_AND_NO_SEPARATOR
    spend_type = b"\x00" if leaf is None else b"\x02"
    epoch, input_index = b"\x00", bytes(4)
    return _tap_sighash(epoch + bytes((sighash,)) + version + lock_time + hashes + spend_type + input_index + extension)
