"""Reads a block or a transaction of the Bitcoin family from files as the source reads it from a node. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from chains.bitcoin.block import Touching, check_block
from chains.bitcoin.encoding import unshown
from chains.bitcoin.ours import Ours
from chains.bitcoin.parse import Origins, origin_of, payments_in, payments_of
from chains.bitcoin.transaction import Transaction, read_transaction
from chains.distrust import Distrusted
from chains.hashes import compact_size
from chains.inspection import Given, Inspected
from chains.port import Watch
from config.registry import Chain

WITHOUT_HEIGHT = "raw bytes do not say the block's height, nor where its money came from: senders are not known"
WITHOUT_ORIGINS = "senders are not known, and own money not told from others': only verbosity 3 says what inputs spend"
ALONE = "a transaction alone does not show that it is in any block"
NO_PARENT = "0" * 64
"""What the genesis block names as its parent; nodes leave it out there."""
_HEADER_FIELDS = ("version", "merkleroot", "time", "bits", "nonce")


def inspect(given: Given, chain: Chain, watch: Watch) -> Inspected | Distrusted:
    """Return the payments in the answer of getblock (0, 2 or 3) or getrawtransaction, raw or decoded."""
    ours = Ours.of(watch.active | watch.retired, chain)
    try:
        if given.block is not None:
            return _block(given.block, ours)
        return _transaction(given.transaction, ours)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        return Distrusted(reason=f"this is no answer of getblock or getrawtransaction ({error!r})")


def _block(told: Any, ours: Ours) -> Inspected | Distrusted:
    if isinstance(told, str):
        return _in_block(bytes.fromhex(told), ours, None, None, {})
    missing = [name for name in ("hash", "height", "tx", *_HEADER_FIELDS) if name not in told]
    missing += ["previousblockhash"] if "previousblockhash" not in told and told.get("height") != 0 else []
    if missing:
        return Distrusted(reason=f"the block comes without {', '.join(missing)}")
    if type(told["height"]) is not int or told["height"] < 0:
        return Distrusted(reason="the block's height is no number")
    for transaction in told["tx"]:
        read = _read(transaction)
        if isinstance(read, Distrusted):
            return read
    found = ((transaction["txid"], _origins(transaction)) for transaction in told["tx"])
    origins = {txid: scripts for txid, scripts in found if scripts is not None}
    return _in_block(_raw(told), ours, told["height"], told["hash"], origins)


def _in_block(
    raw: bytes, ours: Ours, height: int | None, digest: str | None, origins: Origins
) -> Inspected | Distrusted:
    block = check_block(raw, Touching(scripts=ours.scripts.keys()), height=height or 0, digest=digest)
    if isinstance(block, Distrusted):
        return block
    payments = payments_in(block, origins, ours)
    if isinstance(payments, Distrusted):
        return payments
    note = WITHOUT_HEIGHT if height is None else None if origins else WITHOUT_ORIGINS
    return Inspected(payments=payments, height=height, hash=block.link.hash, note=note)


def _transaction(told: Any, ours: Ours) -> Inspected | Distrusted:
    read = _read({"hex": told} if isinstance(told, str) else told)
    if isinstance(read, Distrusted):
        return read
    origin = origin_of(None if isinstance(told, str) else _origins(told), ours)
    return Inspected(payments=payments_of(read, origin, ours, None), note=ALONE)


def _read(told: Mapping[str, Any]) -> Transaction | Distrusted:
    """Read a transaction's bytes; whatever else is told of it must agree with them."""
    if "hex" not in told:
        return Distrusted(reason="a transaction comes without its bytes (hex)")
    read = read_transaction(bytes.fromhex(told["hex"]))
    if isinstance(read, Transaction) and told.get("txid", read.txid) != read.txid:
        return Distrusted(reason=f"transaction {read.txid} is told under another id")
    return read


def _raw(told: Mapping[str, Any]) -> bytes:
    """Put a decoded block together again as it was hashed. Raises KeyError, TypeError, ValueError or OverflowError."""
    header = (
        told["version"].to_bytes(4, "little", signed=True),
        unshown(told.get("previousblockhash", NO_PARENT)),
        unshown(told["merkleroot"]),
        told["time"].to_bytes(4, "little"),
        bytes.fromhex(told["bits"])[::-1],
        told["nonce"].to_bytes(4, "little"),
    )
    transactions = (bytes.fromhex(transaction["hex"]) for transaction in told["tx"])
    return b"".join((*header, compact_size(len(told["tx"])), *transactions))


def _origins(told: Mapping[str, Any]) -> Sequence[bytes] | None:
    """Return the scripts of what a transaction spends, where it is told (getblock 3, getrawtransaction 2)."""
    inputs = told.get("vin", ())
    if not inputs or not all("prevout" in spent for spent in inputs):
        return None
    return [bytes.fromhex(spent["prevout"]["scriptPubKey"]["hex"]) for spent in inputs]
