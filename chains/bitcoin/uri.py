"""BIP-21 payment links, with what BIP-321 adds to them: written for our orders, read strictly. Pure.

    link = "bitcoin:" [ address ] [ "?" key [ "=" value ] *( "&" … ) ]

A link cannot carry a memo: `message` stays in the payer's wallet.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from chains import percent
from chains.bitcoin import bolt11
from chains.bitcoin.address import canonical_on
from chains.bitcoin.script import script_of
from chains.bitcoin.spellings import SPELLINGS
from config.registry import AddressPrefixes

LONGEST = 8_192
SCHEME = "bitcoin"
SATOSHIS = 8
"""Decimals of a bitcoin."""
MOST = 21_000_000 * 10**SATOSHIS

_LINK = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<address>[0-9A-Za-z]*)(?:\?(?P<query>.*))?", re.DOTALL)
_AMOUNT = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?")
_KEY = re.compile(r"[A-Za-z0-9_.~!$'()*+,;:@/?-]+")
_VALUE = re.compile(r"(?:[A-Za-z0-9_.~!$'()*+,;:@/?-]|%[0-9A-Fa-f]{2})*")
"""RFC 3986's query without `=` and `&` (BIP-21 §ABNF)."""
_REQUIRED = "req-"
_OURS = ("amount", "label", "message")
_LIGHTNING = "lightning"


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRequest:
    """What a link asks the payer's wallet to do."""

    address: str | None  # as written; None where only the query says how to pay
    amount: int | None = None  # satoshis; None: the payer decides
    label: str | None = None
    message: str | None = None
    others: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A text that is no payment link, and why."""

    reason: str


def payment_uri(address: str, amount: int, *, label: str | None = None, scheme: str = SCHEME) -> str:
    """Return the link that pays so many satoshis. `scheme`: the chain's own, as the registry says."""
    return write(PaymentRequest(address=address, amount=amount, label=label), scheme=scheme)


def write(request: PaymentRequest, *, scheme: str = SCHEME) -> str:
    """Return the link of any request."""
    known = {"label": request.label, "message": request.message, **request.others}
    pairs = [] if request.amount is None else [f"amount={_decimal(request.amount)}"]
    pairs += [f"{key}={percent.encode(value)}" for key, value in known.items() if value is not None]
    return f"{scheme}:{request.address or ''}{'?' if pairs else ''}{'&'.join(pairs)}"


def parse(uri: str, prefixes: AddressPrefixes | None = None, *, scheme: str = SCHEME) -> PaymentRequest | Malformed:
    """Read a link, or an address alone, which wallets take for one. No text raises; amounts are exact.

    `prefixes`: those of the one chain whose addresses are meant; without them, those of any chain with this scheme.
    """
    text = uri if ":" in uri else f"{scheme}:{uri}"
    match = _LINK.fullmatch(text) if len(uri) <= LONGEST else None
    if match is None or match["scheme"].lower() != scheme:
        return Malformed(reason=f"this is not {scheme}:<address>[?<key>=<value>&…]")
    query = _query(match["query"])
    if isinstance(query, Malformed):
        return query
    request = PaymentRequest(
        address=match["address"] or None,
        amount=_satoshis(query.get("amount")),
        label=query.get("label"),
        message=query.get("message"),
        others=MappingProxyType({key: value for key, value in query.items() if key not in _OURS}),
    )
    if request.amount is None and "amount" in query:
        return Malformed(reason="the amount is not a plain number of whole satoshis, in bitcoins with a point")
    written_by = [prefixes] if prefixes else [one.prefixes for one in SPELLINGS if one.prefixes.link == scheme]
    mistake = _mistake(request, written_by)
    return request if mistake is None else Malformed(reason=mistake)


def _query(text: str | None) -> dict[str, str] | Malformed:
    pairs: dict[str, str] = {}
    for place, parameter in enumerate((text or "").split("&"), start=1):
        if not parameter:  # BIP-21's grammar lets one be empty
            continue
        key, _, written = parameter.partition("=")
        name = key.lower()  # BIP-321: a QR code's capitals say the same
        value = percent.decode(written) if _VALUE.fullmatch(written) else None
        if value is None or not _KEY.fullmatch(key):
            return Malformed(reason=f"parameter {place} is not <key>=<value>, properly percent-encoded")
        if name.startswith(_REQUIRED):
            return Malformed(reason=f"parameter {place} is required by the link and not known here (BIP-21)")
        if name in pairs:
            return Malformed(reason=f"parameter {place} was there before: what is asked for would be ambiguous")
        pairs[name] = value
    return pairs


def _satoshis(written: str | None) -> int | None:
    match = _AMOUNT.fullmatch(written or "")
    if match is None:
        return None
    whole, fraction = match["whole"], (match["fraction"] or "").rstrip("0")
    if not (match["whole"] or match["fraction"]) or len(fraction) > SATOSHIS or len(whole.lstrip("0")) > SATOSHIS:
        return None
    amount = int(whole or "0") * 10**SATOSHIS + int(fraction.ljust(SATOSHIS, "0"))
    return amount if amount <= MOST else None


def _decimal(amount: int) -> str:
    """Return satoshis as bitcoins, without zeros at the end."""
    whole, fraction = divmod(amount, 10**SATOSHIS)
    return f"{whole}.{fraction:0{SATOSHIS}d}".rstrip("0").rstrip(".")


def _mistake(request: PaymentRequest, spellings: Sequence[AddressPrefixes]) -> str | None:
    """Return what keeps a request from being one that can be paid, and means the same however it is."""
    script = None if request.address is None else _script(request.address, spellings)
    if script is None and request.address is not None:
        return "the address is of another network, mistyped, or none"
    if request.address is None and not request.others:
        return "there is nothing to pay to"
    return _contradiction(request, script) if _LIGHTNING in request.others else None


def _contradiction(request: PaymentRequest, script: bytes | None) -> str | None:
    """Return where the Lightning invoice of a link asks for something else than the link itself."""
    invoice = bolt11.read(request.others[_LIGHTNING])
    if invoice is None:
        return "the Lightning invoice is none (BOLT 11)"
    asked = None if request.amount is None else request.amount * 1_000
    if None not in (asked, invoice.millisatoshis) and invoice.millisatoshis != asked:
        return "the Lightning invoice asks for another amount than the link"
    if script is not None and invoice.fallbacks and script not in invoice.fallbacks:
        return "the Lightning invoice names another address than the link"
    return None


def _script(address: str, spellings: Sequence[AddressPrefixes]) -> bytes | None:
    known = (prefixes for prefixes in spellings if canonical_on(address, prefixes) is not None)
    return next((script_of(address, prefixes) for prefixes in known), None)
