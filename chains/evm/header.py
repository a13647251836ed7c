"""A block's header: its hash, and what its bloom filter admits. Pure.

The hash is Keccak over the RLP of the header's fields, in the order in which the forks added them. A header with fields
that this file does not know hashes to something else; until they are added here, the registry can set the chain's
`checked_headers` to false, and blocks are then held together by their links alone.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from config.keccak import keccak256

_FRONTIER = (
    "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "difficulty",
    "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce",
)  # fmt: skip
_LATER = (
    "baseFeePerGas",  # London, EIP-1559
    "withdrawalsRoot",  # Shanghai, EIP-4895
    "blobGasUsed", "excessBlobGas",  # Cancun, EIP-4844
    "parentBeaconBlockRoot",  # Cancun, EIP-4788
    "requestsHash",  # Prague, EIP-7685
    "blockAccessListHash",  # Amsterdam, EIP-7928
    "slotNumber",  # Amsterdam, EIP-7843
)  # fmt: skip
_INTEGERS = frozenset({
    "difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas",
    "slotNumber",
})  # fmt: skip

_KNOWN = {
    *_FRONTIER, *_LATER, "hash", "size", "totalDifficulty", "transactions", "uncles", "withdrawals",
    "milliTimestamp",  # BNB Smart Chain, BEP-520: the same time again, finer
}  # fmt: skip
_NOBODY = "0x" + "00" * 20
_WITHDRAWALS = "withdrawalsRoot"

EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
"""The root of an empty trie: Keccak of the RLP of an empty string."""
NO_TRANSACTIONS = EMPTY_ROOT
BLOOM_BITS = 2048
_STRING, _LIST = 0x80, 0xC0
_SHORT = 56
"""RLP: a payload below this length has it in its prefix byte."""
_BYTE, _FIRST_LONG = 2, "80"
"""RLP: a byte below 0x80 stands for itself; two digits in hex."""


def hashes_to(header: Mapping[str, Any], digest: str) -> bool:
    """Whether a header has this hash. Raises KeyError, TypeError or ValueError where it has no such form.

    Polygon's headers name nobody as their miner, and some nodes tell who sealed them instead.
    """
    return header_hash(header) == digest or header_hash({**header, "miner": _NOBODY}) == digest


def header_hash(header: Mapping[str, Any]) -> str:
    """Return the hash of a header's fields. Raises KeyError, TypeError or ValueError where it has no such form."""
    return "0x" + keccak256(encode_header(header)).hex()


def encode_header(header: Mapping[str, Any]) -> bytes:
    """Return the header's RLP (Yellow Paper, appendix B), put together in hex: the rlp package is ten times slower."""
    body = "".join([_item(name, header[name]) for name in _FRONTIER])
    for name in _LATER:
        value = header.get(name)
        if value is None and name == _WITHDRAWALS and header.get("blobGasUsed") is not None:
            value = EMPTY_ROOT  # some nodes of chains without withdrawals leave it out, though it is in the hash
        if value is None:
            break  # a fork's fields come all together and never without the earlier ones
        body += _item(name, value)
    return bytes.fromhex(_prefix(len(body) // 2, _LIST) + body)


def unknown_fields(header: Mapping[str, Any]) -> list[str]:
    """Return what a header holds that no fork known here has put into it: why its hash may come out otherwise."""
    return sorted(header.keys() - _KNOWN)


def bloom_of(header: Mapping[str, Any]) -> int:
    """Return the header's bloom filter as one integer."""
    return int(header["logsBloom"], 16)


def bloom_mask(*items: bytes) -> int:
    """Return the bits that a log with these contract and topic bytes sets (Yellow Paper §4.3.1: three per item)."""
    mask = 0
    for item in items:
        digest = keccak256(item)
        for pair in (0, 2, 4):
            mask |= 1 << (int.from_bytes(digest[pair : pair + 2], "big") % BLOOM_BITS)
    return mask


def admits(bloom: int, masks: Iterable[int]) -> bool:
    """Whether a block with this bloom may hold a log with any of these masks; false means surely not."""
    return any(bloom & mask == mask for mask in masks)


def _item(name: str, value: str) -> str:
    """Return the RLP of one field in hex."""
    digits = value[2:]
    if name in _INTEGERS:
        digits = digits.lstrip("0")
        digits = digits if len(digits) % 2 == 0 else f"0{digits}"
    if len(digits) == _BYTE and digits < _FIRST_LONG:
        return digits
    return _prefix(len(digits) // 2, _STRING) + digits


@lru_cache(maxsize=2048)
def _prefix(length: int, offset: int) -> str:
    """Return the RLP prefix of a string or a list of this length in hex."""
    if length < _SHORT:
        return f"{offset + length:02x}"
    size = f"{length:x}"
    size = size if len(size) % 2 == 0 else f"0{size}"
    return f"{offset + _SHORT - 1 + len(size) // 2:02x}{size}"
