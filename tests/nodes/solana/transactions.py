"""The methods that send transactions and tell what became of them."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.message import Message, from_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from chains import base58
from tests.nodes.solana.encoding import encoding_of, signature_json, status_json, transaction_json
from tests.nodes.solana.execution import APART, RejectedError, resolve
from tests.nodes.solana.ledger import LONGEST_AGE, Block
from tests.nodes.solana.node import (
    BAD_SIGNATURE,
    INVALID_PARAMS,
    PREFLIGHT,
    Node,
    RpcError,
    context,
    options_of,
)

MOST_SIGNATURES = 1000
MOST_STATUSES = 256
LARGEST_TRANSACTION, LARGEST_V1 = 1232, 4096
V1 = 0x81
"""The first byte of a transaction of version 1 (SIMD-0385)."""
BASE_FEE = 5000
_ERRORS = {
    "AlreadyProcessed": "This transaction has already been processed",
    "BlockhashNotFound": "Blockhash not found",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
}


def signatures_for_address(node: Node, address: str, config: Any = None) -> list[Any]:
    options = options_of(config)
    Pubkey.from_string(address)
    limit = MOST_SIGNATURES if options.get("limit") is None else options["limit"]
    if not 0 < limit <= MOST_SIGNATURES:
        raise RpcError(INVALID_PARAMS, f"Invalid limit; max {MOST_SIGNATURES}")
    newest = node.tip(options, least="confirmed")
    before, until = (_place(node, options.get(name), newest) for name in ("before", "until"))
    if options.get("before") is not None and before is None:
        return []
    told: list[Any] = []
    for block, place in node.ledger.history(address):
        here = (block.slot, place)
        if block.slot > newest.slot or (before is not None and here >= before):
            continue
        if len(told) == limit or block.slot < node.first or (until is not None and here <= until):
            break  # an unknown `until` ends nothing, as on a real node
        told.append(signature_json(block.landed[place], block, node.level(block)))
    return told


def transaction(node: Node, signature: str, config: Any = None) -> Any:
    options = options_of(config)
    newest = node.tip(options, least="confirmed")
    encoding = encoding_of(options)
    found = node.place(signature, newest)
    if found is None:
        return None
    block, place = found
    told = transaction_json(block.landed[place], encoding, options)
    return {"slot": block.slot, "blockTime": block.time, **told}


def signature_statuses(node: Node, signatures: Sequence[str], config: Any = None) -> Any:
    if len(signatures) > MOST_STATUSES:
        raise RpcError(INVALID_PARAMS, f"Too many inputs provided; max {MOST_STATUSES}")
    newest = node.newest("processed")
    searched = bool(options_of(config).get("searchTransactionHistory"))
    return context(newest, [_status(node, signature, newest, searched=searched) for signature in signatures])


def send(node: Node, wire: str, config: Any = None) -> str:
    options = options_of(config)
    sent = _decoded(wire, options.get("encoding") or "base58")
    if not options.get("skipPreflight"):
        fault = node.ledger.fault(sent)
        if fault == "SignatureFailure":
            raise RpcError(BAD_SIGNATURE, "Transaction signature verification failure")
        result = _simulated(node, sent, fault)
        if result["err"] is not None:
            text = _ERRORS.get(str(result["err"]), f"Error processing transaction: {result['err']}")
            raise RpcError(PREFLIGHT, f"Transaction simulation failed: {text}", result)
    return node.ledger.send(sent)


def simulate(node: Node, wire: str, config: Any = None) -> Any:
    options = options_of(config)
    sent = _decoded(wire, options.get("encoding") or "base58")
    fault = node.ledger.fault(sent)
    overlooked = {
        "SignatureFailure": not options.get("sigVerify"),
        "BlockhashNotFound": options.get("replaceRecentBlockhash"),
    }
    return context(node.tip(options), _simulated(node, sent, None if overlooked.get(str(fault)) else fault))


def fee_for_message(node: Node, wire: str, config: Any = None) -> Any:
    message = from_bytes_versioned(base64.b64decode(wire, validate=True))
    recent = node.ledger.is_recent(str(message.recent_blockhash))
    return context(node.tip(config), BASE_FEE * message.header.num_required_signatures if recent else None)


def airdrop(node: Node, address: str, amount: int, _config: Any = None) -> str:
    node.airdrops += 1  # two of the same amount are two transactions
    faucet = node.ledger.faucet
    given = TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=Pubkey.from_string(address), lamports=amount)
    calls = [set_compute_unit_limit(10_000 + node.airdrops), transfer(given)]
    message = Message.new_with_blockhash(calls, faucet.pubkey(), Hash.from_string(node.ledger.tip.hash))
    return node.ledger.send(VersionedTransaction(message, [faucet]))


def _place(node: Node, signature: str | None, newest: Block) -> tuple[int, int] | None:
    found = None if signature is None else node.place(signature, newest)
    return None if found is None else (found[0].slot, found[1])


def _status(node: Node, signature: str, newest: Block, *, searched: bool) -> Any:
    found = node.place(signature, newest)
    if found is None:
        return None
    block, place = found
    deep = newest.height - block.height
    if deep > LONGEST_AGE and not searched:
        return None  # only the recent ones are kept at hand
    err, level = block.landed[place].err, node.level(block)
    return {
        "slot": block.slot,
        "confirmations": None if level == "finalized" else deep,
        "err": err,
        "status": status_json(err),
        "confirmationStatus": level,
    }


def _simulated(node: Node, sent: VersionedTransaction, fault: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "accounts": None,
        "err": fault,
        "innerInstructions": None,
        "logs": [],
        "replacementBlockhash": None,
        "returnData": None,
        "unitsConsumed": 0,
    }
    if fault is not None:
        return told
    try:
        resolve(node.ledger.svm, sent)
    except RejectedError as rejected:
        return told | {"err": rejected.err}
    result = APART.submit(node.ledger.svm.simulate_transaction, sent).result()
    meta = result.meta()
    err = orjson.loads(result.to_json())["err"] if isinstance(result, FailedTransactionMetadata) else None
    return told | {"err": err, "logs": meta.logs(), "unitsConsumed": meta.compute_units_consumed()}


def _decoded(wire: str, encoding: str) -> VersionedTransaction:
    try:
        raw = base64.b64decode(wire, validate=True) if encoding == "base64" else _base58(wire)
    except binascii.Error as error:
        raise RpcError(INVALID_PARAMS, f"invalid {encoding} encoding: {error}") from None
    largest = LARGEST_V1 if raw[:1] == bytes([V1]) else LARGEST_TRANSACTION
    if len(raw) > largest:
        text = f"decoded solana_transaction::versioned::VersionedTransaction too large: {len(raw)} bytes"
        raise RpcError(INVALID_PARAMS, f"{text} (max: {largest} bytes)")
    try:
        return VersionedTransaction.from_bytes(raw)
    except ValueError as error:
        text = f"failed to deserialize solana_transaction::versioned::VersionedTransaction: {error}"
        raise RpcError(INVALID_PARAMS, text) from None


def _base58(wire: str) -> bytes:
    """Read base58 that may be longer than any address."""
    number = base58.to_int(wire)
    if number is None:
        raise RpcError(INVALID_PARAMS, "invalid base58 encoding")
    zeros = len(wire) - len(wire.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
