"""A Monero block: its header as the daemon tells it, and the transactions that its hash proves to be in it. Pure.

The hash is Keccak over the header, the root of the tree of transaction hashes and their number (CryptoNote standard
003; monero's `get_block_hashing_blob`). Proof of work is not checked: whom to believe is decided elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chains.blocks import Link
from chains.distrust import Distrusted
from config.keccak import keccak256

_HASH = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_SIZE = 32
_NONCE = 4
_VARINT_BYTES = 9  # 63 bits: every count, height and amount there is
_COINBASE, _TO_KEY, _TO_TAGGED_KEY = 0xFF, 0x02, 0x03
_TARGETS = {_TO_KEY: _SIZE, _TO_TAGGED_KEY: _SIZE + 1}  # a public key; since view tags, one byte more
_WITHOUT_RINGCT = 1
_NO_RINGCT = b"\0"
LATEST = 253402300799
"""The last second of the year 9999: later ones are no moments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedBlock:
    """A block whose hash was computed anew. Made by `check_block` only."""

    link: Link
    txids: frozenset[str]  # the coinbase among them


def check_header(raw: Any, *, height: int | None = None) -> Link | Distrusted:
    """Return a `block_header` of monerod as a link; `height` is the one that was asked for."""
    match raw:
        case {"height": int() as at, "hash": str() as digest, "prev_hash": str() as parent, "timestamp": int() as time}:
            pass
        case _:
            return Distrusted(reason="a block header lacks height, hash, parent or time")
    if not (_HASH.fullmatch(digest) and _HASH.fullmatch(parent)):
        return Distrusted(reason="a block header's hash is none")
    if at < 0 or (height is not None and at != height):
        return Distrusted(reason=f"block {at} came where {height} was asked for")
    if not 0 <= time <= LATEST:
        return Distrusted(reason=f"block {at} has no time")
    if raw.get("orphan_status", False) is not False:
        return Distrusted(reason=f"block {at} is told as one of the chain and is an orphan")
    return Link(height=at, hash=digest, parent=parent, time=time)


def check_headers(raw: Any, first: int, last: int) -> list[Link] | Distrusted:
    """Return the answer of `get_block_headers_range` as links that stand on each other."""
    headers = raw.get("headers") if isinstance(raw, Mapping) else None
    if not isinstance(headers, list) or len(headers) != last - first + 1:
        return Distrusted(reason=f"the headers of blocks {first} to {last} came in part")
    links: list[Link] = []
    for height, header in enumerate(headers, first):
        link = check_header(header, height=height)
        if isinstance(link, Distrusted):
            return link
        if links and link.parent != links[-1].hash:
            return Distrusted(reason=f"block {height} does not stand on block {height - 1}")
        links.append(link)
    return links


def check_block(raw: Any, link: Link) -> CheckedBlock | Distrusted:
    """Return the answer of `get_block` if its bytes hash to this very block."""
    blob = raw.get("blob") if isinstance(raw, Mapping) else None
    if not isinstance(blob, str) or _HEX.fullmatch(blob) is None:
        return Distrusted(reason=f"block {link.height} came without its bytes")
    try:
        digest, txids = _hashed(_Bytes(bytes.fromhex(blob)))
    except _TornError as error:
        return Distrusted(reason=f"block {link.height} cannot be read: {error}")
    if digest != link.hash:
        return Distrusted(reason=f"block {link.height} has another hash than its bytes")
    return CheckedBlock(link=link, txids=txids)


class _TornError(Exception):
    """These bytes are no block."""


class _Bytes:
    """A block's bytes, read from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        part = self._data[self.at : self.at + size]
        if len(part) != size:
            raise _TornError("it ends too early")
        self.at += size
        return part

    def varint(self) -> int:
        """Return the next number: seven bits a byte, the lowest first."""
        number = 0
        for position in range(_VARINT_BYTES):
            [byte] = self.take(1)
            number |= (byte & 0x7F) << 7 * position
            if byte < 0x80:  # noqa: PLR2004  the bit that says that more follows
                return number
        raise _TornError("a number is too long")

    def since(self, start: int) -> bytes:
        """Return what was read from a place on."""
        return self._data[start : self.at]

    def end(self) -> None:
        """Raise unless everything was read."""
        if self.at != len(self._data):
            raise _TornError("something follows it")


def _hashed(data: _Bytes) -> tuple[str, frozenset[str]]:
    """Return the block's hash and its transactions."""
    for _ in range(3):  # major and minor version, time
        data.varint()
    data.take(_SIZE + _NONCE)  # the parent's hash lies in the header that is hashed
    header = data.since(0)
    coinbase = _coinbase(data)
    count = data.varint()
    rest = data.take(count * _SIZE)
    data.end()
    hashes = [coinbase, *(rest[at : at + _SIZE] for at in range(0, len(rest), _SIZE))]
    blob = header + _root(hashes) + _varint(len(hashes))
    return keccak256(_varint(len(blob)) + blob).hex(), frozenset(digest.hex() for digest in hashes)


def _coinbase(data: _Bytes) -> bytes:
    """Return the hash of the transaction that pays the miner."""
    start = data.at
    version = data.varint()
    data.varint()  # unlock time
    if data.varint() != 1 or data.take(1)[0] != _COINBASE:
        raise _TornError("it pays no miner")
    data.varint()  # height
    for _ in range(data.varint()):
        data.varint()  # amount
        target = _TARGETS.get(data.take(1)[0])
        if target is None:
            raise _TornError("its miner is paid in an unknown way")
        data.take(target)
    data.take(data.varint())  # extra
    prefix = data.since(start)
    if version == _WITHOUT_RINGCT:
        return keccak256(prefix)
    if data.take(1) != _NO_RINGCT:
        raise _TornError("its miner's payment is hidden")
    return keccak256(keccak256(prefix) + keccak256(_NO_RINGCT) + bytes(_SIZE))


def _root(hashes: list[bytes]) -> bytes:
    """Return the root of CryptoNote's tree of hashes: what exceeds a power of two is paired first, at the end."""
    if len(hashes) == 1:
        return hashes[0]
    width = 1 << (len(hashes) - 1).bit_length() - 1  # the largest power of two below their number
    alone = 2 * width - len(hashes)
    level = hashes[:alone] + _paired(hashes[alone:])
    while len(level) > 1:
        level = _paired(level)
    return level[0]


def _paired(hashes: list[bytes]) -> list[bytes]:
    return [keccak256(hashes[at] + hashes[at + 1]) for at in range(0, len(hashes), 2)]


def _varint(number: int) -> bytes:
    """Write a number as the chain does."""
    written = bytearray()
    while number >= 0x80:  # noqa: PLR2004
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
