"""What a node's trace of a block says of value that reached addresses inside calls. Pure; it never adds or decides.

Two shapes are known: the nested frames of Geth's `callTracer`, and the flat list of `trace_block` (Parity's, today that
of Erigon, Nethermind, Besu and Reth). Whatever is of no known shape says nothing.
"""

import re
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chains.evm.address import display
from chains.evm.fields import MALFORMED, quantity
from chains.port import Note

MOST_NOTES = 8
"""Notes on one payment. A block in which more transactions pay one address inside calls is nobody's purchase."""
_CREATIONS = ("CREATE", "CREATE2")
_DESTRUCTION = "SELFDESTRUCT"
_TRANSFER = "CALL"  # DELEGATECALL and CALLCODE name a value that does not move, STATICCALL has none
_DIGEST, _ADDRESS = re.compile("0x[0-9a-f]{64}"), re.compile("0x[0-9a-f]{40}")
_LONGEST_QUANTITY = 2 + 2 * 32


class _Move(NamedTuple):
    """Value on its way inside a transaction, as it was told and not checked yet."""

    txid: Any
    sender: Any
    receiver: Any
    wei: Any


def notes_in(answer: Any, block: str, addresses: Collection[str]) -> Mapping[str, tuple[Note, ...]]:
    """Return in which transactions of a block value reached addresses (lower case) inside calls, and from whom.

    What was reverted did not reach anybody. A transaction's own value is not inside it. Never raises.
    """
    found: dict[str, dict[Note, None]] = {}
    for move in _moves(answer, block):
        receiver = _spelled(move.receiver, _ADDRESS)
        if receiver not in addresses or receiver is None or not _positive(move.wei):
            continue
        sender, txid = _spelled(move.sender, _ADDRESS), _spelled(move.txid, _DIGEST)
        notes = found.setdefault(receiver, {})
        if sender is None or txid is None or sender == receiver or len(notes) >= MOST_NOTES:
            continue
        notes[Note(txid=txid, sender=display(bytes.fromhex(sender[2:])))] = None
    return {address: tuple(notes) for address, notes in found.items() if notes}


def _moves(answer: Any, block: str) -> Iterator[_Move]:
    entries = [entry for entry in answer if isinstance(entry, dict)] if isinstance(answer, list) else []
    for entry in entries:
        if "result" in entry and "action" not in entry:
            yield from _in_frames(entry)
    yield from _in_list([entry for entry in entries if "action" in entry and entry.get("blockHash") == block])


def _in_frames(entry: Mapping[str, Any]) -> Iterator[_Move]:
    """Walk one transaction's nested frames, without those that failed and what is below them."""
    outermost = entry["result"]
    waiting = [outermost]
    while waiting:
        frame = waiting.pop()
        if not isinstance(frame, dict) or frame.get("error"):
            continue
        kind = frame.get("type")
        if kind in _CREATIONS or kind == _DESTRUCTION or (kind == _TRANSFER and frame is not outermost):
            yield _Move(entry.get("txHash"), frame.get("from"), frame.get("to"), frame.get("value"))
        inner = frame.get("calls")
        if isinstance(inner, list):
            waiting += reversed(inner)


def _in_list(traces: Sequence[Mapping[str, Any]]) -> Iterator[_Move]:
    """Read flat traces, without those at or below a place in their transaction's tree of calls that failed."""
    places: defaultdict[str, list[bytes]] = defaultdict(list)
    for txid, trace in _named(traces):
        if trace.get("error"):
            places[txid].append(_place(trace))
    failed = {txid: _topmost(those) for txid, those in places.items()}
    for txid, trace in _named(traces):
        action, place = trace["action"], _place(trace)
        if isinstance(action, dict) and not _undone(failed.get(txid, ()), place):
            yield from _in_action(txid, trace, action, outermost=not place)


def _named(traces: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Pass over rewards, which are of no transaction."""
    for trace in traces:
        txid = trace.get("transactionHash")
        if isinstance(txid, str):
            yield txid, trace


def _in_action(txid: str, trace: Mapping[str, Any], action: Mapping[str, Any], *, outermost: bool) -> Iterator[_Move]:
    kind, made = trace.get("type"), trace.get("result")
    if kind == "call" and action.get("callType") == "call" and not outermost:
        yield _Move(txid, action.get("from"), action.get("to"), action.get("value"))
    elif kind in ("suicide", "selfdestruct"):
        yield _Move(txid, action.get("address"), action.get("refundAddress"), action.get("balance"))
    elif kind == "create" and isinstance(made, dict):
        yield _Move(txid, action.get("from"), made.get("address"), action.get("value"))


def _place(trace: Mapping[str, Any]) -> bytes:
    """Return a call's place in its transaction's tree: which of the calls of which call it is; none: the outermost.

    What is below a call begins with its place. As bytes a place costs little, however long a node makes it.
    """
    told = trace.get("traceAddress")
    try:
        return array("I", told).tobytes() if isinstance(told, list) else b""
    except (TypeError, OverflowError):
        return b""


def _topmost(places: Iterable[bytes]) -> list[bytes]:
    """Return places in order, without those below others."""
    kept: list[bytes] = []
    for place in sorted(places):
        if not kept or not place.startswith(kept[-1]):
            kept.append(place)
    return kept


def _undone(failed: Sequence[bytes], place: bytes) -> bool:
    """Whether the call at a place, or one around it, failed: of the topmost ones that is the one sorted before it."""
    before = bisect_right(failed, place)
    return before > 0 and place.startswith(failed[before - 1])


def _spelled(text: Any, form: re.Pattern[str]) -> str | None:
    """Return a digest or an address in lower case; None for anything else."""
    lower = text.lower() if isinstance(text, str) and len(text) <= _LONGEST_QUANTITY else ""
    return lower if form.fullmatch(lower) else None


def _positive(wei: Any) -> bool:
    try:
        return len(wei) <= _LONGEST_QUANTITY and quantity(wei) > 0
    except MALFORMED:
        return False
