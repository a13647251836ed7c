"""What a header's state root proves of a balance: a path through the state trie (EIP-1186, Yellow Paper, appendix D).

Pure and total: any answer is a proof, or not. A node that does not lie about its headers cannot lie here.
"""

from collections.abc import Sequence
from typing import Any

from chains.distrust import Distrusted
from chains.evm.fields import MALFORMED
from config.keccak import keccak256

MOST_NODES = 65
"""A path has no more: 64 nibbles, each its own branch, and a leaf."""
LARGEST_NODE = 1024
"""Bytes; a branch of sixteen hashes has 532."""
_BRANCH, _SHORTCUT = 17, 2
_ACCOUNT = 4  # nonce, balance, storage root, code hash
_STRING, _LONG_STRING, _LIST, _LONG_LIST = 0x80, 0xB7, 0xC0, 0xF7

Item = bytes | list["Item"]


def balance_in(proof: Any, address: str, root: str) -> int | Distrusted:
    """Return the balance of an address (lower case) that the answer of `eth_getProof` proves below a state root.

    An account that the proof shows to be absent has none.
    """
    try:
        nodes = [bytes.fromhex(node.removeprefix("0x")) for node in proof["accountProof"]]
        found = _at(bytes.fromhex(root[2:]), _nibbles(keccak256(bytes.fromhex(address[2:]))), nodes)
        return 0 if found is None else _balance(found)
    except MALFORMED as error:
        return Distrusted(reason=f"a proof that proves nothing ({error!r})")


def _at(root: bytes, path: Sequence[int], nodes: Sequence[bytes]) -> bytes | None:
    """Return the value at a path; None where the trie ends before. Raises ValueError where the proof does not hold."""
    if len(nodes) > MOST_NODES:
        raise ValueError("longer than any path")
    left = iter(nodes)
    node: Item = root
    while True:
        if isinstance(node, bytes):
            if not node:
                return None  # an empty place in a branch
            node = _opened(node, next(left, b""))
        if len(node) == _BRANCH:
            if not path:
                return _text(node[16]) or None
            node, path = node[path[0]], path[1:]
            continue
        if len(node) != _SHORTCUT:
            raise ValueError("no node of a trie")
        shortcut, ends = _shortcut(_text(node[0]))
        if list(path[: len(shortcut)]) != shortcut or (ends and len(path) != len(shortcut)):
            return None  # the path leads elsewhere: nothing stands at ours
        if ends:
            return _text(node[1])
        node, path = node[1], path[len(shortcut) :]


def _opened(digest: bytes, raw: bytes) -> list[Item]:
    """Return the node with this hash."""
    if len(raw) > LARGEST_NODE or keccak256(raw) != digest:
        raise ValueError("a node with another hash")
    return _list(_decoded(raw))


def _balance(account: bytes) -> int:
    fields = _list(_decoded(account))
    if len(fields) != _ACCOUNT:
        raise ValueError("no account")
    return int.from_bytes(_text(fields[1]), "big")


def _shortcut(encoded: bytes) -> tuple[list[int], bool]:
    """Return the nibbles of a compact path, and whether it ends at a leaf (appendix C)."""
    nibbles = _nibbles(encoded)
    flag = nibbles[0]
    if flag > 3:  # noqa: PLR2004  two bits: odd length, leaf
        raise ValueError("no compact path")
    return nibbles[1 if flag & 1 else 2 :], bool(flag & 2)


def _nibbles(data: bytes) -> list[int]:
    return [nibble for byte in data for nibble in (byte >> 4, byte & 15)]


def _decoded(raw: bytes) -> Item:
    """Read RLP (appendix B) that takes up all of `raw`."""
    item, end = _item(raw, 0)
    if end != len(raw):
        raise ValueError("more than one item")
    return item


def _item(raw: bytes, at: int) -> tuple[Item, int]:
    prefix = raw[at]
    if prefix < _STRING:
        return raw[at : at + 1], at + 1
    start, end = _payload(raw, at, prefix)
    if prefix < _LIST:
        return raw[start:end], end
    items: list[Item] = []
    while start < end:
        item, start = _item(raw, start)
        items.append(item)
    if start != end:
        raise ValueError("an item reaches over its list")
    return items, end


def _payload(raw: bytes, at: int, prefix: int) -> tuple[int, int]:
    """Return where the payload behind a prefix begins and ends."""
    short, long = (_STRING, _LONG_STRING) if prefix < _LIST else (_LIST, _LONG_LIST)
    size, start = prefix - short, at + 1
    if prefix > long:
        start = at + 1 + prefix - long
        size = int.from_bytes(raw[at + 1 : start], "big")
    if start + size > len(raw):
        raise ValueError("shorter than it says")
    return start, start + size


def _text(item: Item) -> bytes:
    if not isinstance(item, bytes):
        raise TypeError("a list where a string belongs")
    return item


def _list(item: Item) -> list[Item]:
    if not isinstance(item, list):
        raise TypeError("a string where a list belongs")
    return item
