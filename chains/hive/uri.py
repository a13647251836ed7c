"""hive:// links (hive-uri): written for our orders, read strictly. Pure.

    hive://sign/op/<base64u(JSON of an operation)>
    hive://sign/ops/<base64u(JSON of a list of operations)>
    hive://sign/tx/<base64u(JSON of a transaction)>
    hive://sign/transfer/<name>/<amount>[/<base64u(memo)>]
        ? s=<signer> & a=<authority> & nb= (sign only) & cb=<base64u(URL)>

base64u is base64 with `-`, `_` and `.` for `+`, `/` and `=`. Wallets put the signer's name where `__signer` stands.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson

from chains import percent
from chains.hive import address, amounts
from chains.hive.amounts import Amount
from chains.hive.operations import Operation, opened
from config.registry import Network

LONGEST = 8192
SIGNER = "__signer"
"""Stands for the name of whoever signs."""

_LINK = re.compile(
    r"hive://sign/(?P<action>[A-Za-z]+)/(?P<payload>[^?#]*)(?:\?(?P<query>[^#]*))?", re.IGNORECASE
)  # a scheme's and a host's case mean nothing (RFC 3986 §6.2.2.1)
_BASE64U = re.compile(r"[A-Za-z0-9_-]*\.{0,2}")
_TO_BASE64 = str.maketrans("-_.", "+/=")
_TO_BASE64U = str.maketrans("+/=", "-_.")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_AUTHORITIES = frozenset({"posting", "active", "owner", "memo"})
_PLACEHOLDER = re.compile(r"__(?:signer|expiration|ref_block_(?:num|prefix))")
_PARAMETERS = frozenset({"s", "a", "nb", "cb"})
_HEAD = ("ref_block_num", "ref_block_prefix", "expiration", "extensions")


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """What a link that pays asks for."""

    sender: str | None  # None: whoever signs
    recipient: str
    amount: Amount
    memo: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRequest:
    """What a link asks the payer's wallet to sign."""

    operations: tuple[Operation, ...]
    head: Mapping[str, Any] | None = field(default=None, hash=False)  # of a whole transaction: all but its operations
    signer: str | None = None  # whom it is meant for
    authority: str | None = None
    no_broadcast: bool = False  # sign only, and tell the callback
    callback: str | None = None

    @property
    def transfer(self) -> Transfer | None:
        """The one transfer that this is; None for anything else."""
        if len(self.operations) != 1 or self.operations[0].name != "transfer":
            return None
        value = self.operations[0].value
        amount, texts = amounts.parse(value.get("amount")), [value.get(name) for name in ("from", "to", "memo")]
        if amount is None or not all(isinstance(text, str) for text in texts):
            return None
        sender, recipient, memo = map(str, texts)
        return Transfer(sender=None if sender == SIGNER else sender, recipient=recipient, amount=amount, memo=memo)


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A text that is no such link, and why."""

    reason: str


def transfer_uri(recipient: str, contract: str | None, units: int, memo: str) -> str:
    """Return the link by which whoever signs pays `units` of an asset: `contract` is its NAI, None the native coin.

    Wallets would fill in what looks like their own placeholders even within a memo; the memo's grammar undoes one
    percent-encoding, so that they need not see any.
    """
    amount = Amount(nai=contract or amounts.HIVE, units=units)
    hidden = memo.replace("__", "_%5F") if _PLACEHOLDER.search(memo) else memo
    value = {"from": SIGNER, "to": recipient, "amount": amounts.spoken(amount), "memo": hidden}
    return write(PaymentRequest(operations=(Operation(name="transfer", value=value),)))


def write(request: PaymentRequest) -> str:
    """Return the link of any request."""
    operations: list[Any] = [[operation.name, dict(operation.value)] for operation in request.operations]
    action, payload = ("op", operations[0]) if len(operations) == 1 else ("ops", operations)
    if request.head is not None:
        action, payload = "tx", {**request.head, "operations": operations}
    parameters = [
        "nb=" if request.no_broadcast else None,
        f"s={percent.encode(request.signer)}" if request.signer is not None else None,
        f"cb={_encoded(request.callback.encode())}" if request.callback is not None else None,
        f"a={percent.encode(request.authority)}" if request.authority is not None else None,
    ]
    query = "&".join(parameter for parameter in parameters if parameter is not None)
    return f"hive://sign/{action}/{_encoded(orjson.dumps(payload))}{'?' if query else ''}{query}"


def parse(uri: str) -> PaymentRequest | Malformed:
    """Read a link. No text raises."""
    match = _LINK.fullmatch(uri) if len(uri) <= LONGEST else None
    if match is None:
        return Malformed(reason="this is not hive://sign/<action>/<what to sign>")
    query = _query(match["query"])
    if isinstance(query, Malformed):
        return query
    asked = _asked(match["action"], match["payload"])
    if isinstance(asked, Malformed):
        return asked
    operations, head = asked
    return PaymentRequest(
        operations=operations,
        head=head,
        signer=query.get("s"),
        authority=query.get("a"),
        no_broadcast="nb" in query,
        callback=query.get("cb"),
    )


_Asked = tuple[tuple[Operation, ...], Mapping[str, Any] | None]


def _asked(action: str, payload: str) -> _Asked | Malformed:
    """Return the operations that a link is about, and what else a whole transaction says."""
    if action == "transfer":
        return _alias(payload)
    if action not in {"op", "ops", "tx"}:
        return Malformed(reason="there are the actions op, ops, tx and transfer; others move nothing")
    try:
        content: Any = orjson.loads(_decoded(payload) or b"")
    except orjson.JSONDecodeError:
        return Malformed(reason="what is to be signed is not JSON in base64u")
    raw, head = [content] if action == "op" else content, None
    if action == "tx" and isinstance(content, dict):
        raw = content.get("operations")
        head = MappingProxyType({name: content[name] for name in content if name in _HEAD})
    operations = [opened(one) for one in raw] if isinstance(raw, list) else []
    known = tuple(one for one in operations if one is not None and _NAME.fullmatch(one.name))
    if not known or len(known) < len(operations):
        return Malformed(reason="what is to be signed is no operation")
    return known, head


def _alias(payload: str) -> _Asked | Malformed:
    """Read the short form of a transfer."""
    recipient, _, rest = payload.partition("/")
    written, slash, memo = rest.partition("/")
    spoken = percent.decode(written)
    amount = None if spoken is None else amounts.parse(spoken)
    text = _text(memo) if slash else ""
    if address.canonical(recipient, Network.MAIN) != recipient.encode() or amount is None or text is None:
        return Malformed(reason="this is not hive://sign/transfer/<name>/<amount>[/<memo>]")
    value = {"from": SIGNER, "to": recipient, "amount": spoken, "memo": text}
    return (Operation(name="transfer", value=value),), None


def _query(query: str | None) -> dict[str, str] | Malformed:
    """Return the parameters that mean something; others are for wallets yet to come."""
    found: dict[str, str] = {}
    for parameter in query.split("&") if query else ():
        key, _, written = parameter.partition("=")
        if key not in _PARAMETERS:
            continue
        value = _text(written) if key == "cb" else percent.decode(written)
        if key in found:
            return Malformed(reason=f"{key} stands there twice")
        if value is None or not _is_proper(key, value):
            return Malformed(reason=f"{key} has no value of its kind")
        found[key] = value
    return found


def _is_proper(key: str, value: str) -> bool:
    if key == "s":
        return address.canonical(value, Network.MAIN) == value.encode()
    return value in _AUTHORITIES if key == "a" else True


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(_TO_BASE64U)


def _decoded(text: str) -> bytes | None:
    if _BASE64U.fullmatch(text) is None:
        return None
    try:
        return base64.b64decode(text.translate(_TO_BASE64), validate=True)
    except binascii.Error:
        return None


def _text(encoded: str) -> str | None:
    """Return the text in base64u; None where these bytes write none."""
    raw = _decoded(encoded)
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
