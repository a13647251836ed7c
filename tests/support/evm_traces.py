"""Traces made by hand, in both shapes in which nodes tell them."""

BLOCK, TXID, OTHER = (f"0x{digit * 64}" for digit in "b12")
US, THEM, CONTRACT, INNER = (f"0x{digit * 40}" for digit in "adce")
PAYER = f"0x{'9' * 40}"


def frame(kind, sender, to, value=1, *inner, error=None):
    """Return a frame as Geth's callTracer tells it."""
    told = {"type": kind, "from": sender, "to": to, "value": hex(value), "gas": "0x1", "input": "0x"}
    return told | ({"calls": list(inner)} if inner else {}) | ({"error": error} if error else {})


def nested(*outermost, txid=TXID):
    """Return transactions as Geth tells them of a block."""
    return [{"txHash": txid, "result": one} for one in outermost]


def flat(*outermost, txid=TXID, block=BLOCK):
    """Return the same as `trace_block` tells it."""
    return [trace for one in outermost for trace in _flattened(one, txid, block, [])]


_TYPES = {"CREATE": "create", "CREATE2": "create", "SELFDESTRUCT": "suicide"}


def _flattened(told, txid, block, place):
    kind = _TYPES.get(told["type"], "call")
    trace = {"type": kind, "transactionHash": txid, "blockHash": block, "traceAddress": place, "result": {}}
    sender, to, value = told["from"], told["to"], told["value"]
    if kind == "create":
        trace |= {"action": {"from": sender, "value": value, "init": "0x"}, "result": {"address": to, "code": "0x"}}
    elif kind == "suicide":
        trace |= {"action": {"address": sender, "refundAddress": to, "balance": value}, "result": None}
    else:
        trace["action"] = {"callType": told["type"].lower(), "from": sender, "to": to, "value": value}
    if "error" in told:
        trace |= {"error": told["error"], "result": None}
    yield trace
    for number, inner in enumerate(told.get("calls", ())):
        yield from _flattened(inner, txid, block, [*place, number])
