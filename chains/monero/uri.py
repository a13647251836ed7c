"""`monero:` payment links: written for our orders, read as strictly as Monero's own wallet reads them. Pure.

    link = "monero:" address [ "?" key "=" value *( "&" key "=" value ) ]

with the keys `tx_amount` (in XMR), `recipient_name`, `tx_description` and, long deprecated, `tx_payment_id` (monero's
`wallet2::parse_uri`; the registered scheme has no other specification). Others are kept and mean nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chains import percent
from chains.monero import address as monero
from config.registry import Network

LONGEST = 2048
DECIMALS = 12
MOST = 2**64 - 1
"""Atomic units are 64 bits on the chain."""

_LINK = re.compile(r"monero:(?P<address>[^?]+)(?:\?(?P<query>.*))?", re.IGNORECASE | re.DOTALL)  # RFC 3986 §3.1
_AMOUNT = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?")
_PAYMENT_ID = re.compile(r"[0-9a-fA-F]{64}")
_KINDS = {
    "tx_amount": f"a decimal of at most {DECIMALS} places and 64 bits",
    "recipient_name": "UTF-8",
    "tx_description": "UTF-8",
    "tx_payment_id": "64 hex digits",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRequest:
    """What a link asks the payer's wallet to do."""

    address: str  # as written: standard, subaddress or integrated
    amount: int | None = None  # atomic units; None: the payer is to decide
    recipient_name: str | None = None  # for the payer to see; never on the chain
    description: str | None = None  # likewise
    payment_id: str | None = None  # 64 hex digits, which no wallet sends any more
    unknown: tuple[str, ...] = ()  # further parameters, as written


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A text that is no `monero:` link, and why."""

    reason: str


def payment_uri(address: str, units: int, *, recipient_name: str = "", description: str = "") -> str:
    """Return the link that pays so many atomic units to an address; the texts are for the payer alone."""
    return write(
        PaymentRequest(
            address=address,
            amount=units,
            recipient_name=recipient_name or None,
            description=description or None,
        )
    )


def write(request: PaymentRequest) -> str:
    """Return the link of any request."""
    texts = (
        ("tx_amount", None if request.amount is None else decimal(request.amount)),
        ("recipient_name", request.recipient_name),
        ("tx_description", request.description),
        ("tx_payment_id", request.payment_id),
    )
    pairs = [f"{key}={percent.encode(value)}" for key, value in texts if value is not None]
    query = "&".join((*pairs, *request.unknown))
    return f"monero:{request.address}{'?' if query else ''}{query}"


def decimal(units: int) -> str:
    """Return atomic units as XMR, exactly and without needless zeros."""
    whole, fraction = divmod(units, 10**DECIMALS)
    return f"{whole}.{fraction:0{DECIMALS}d}".rstrip("0").rstrip(".")


def parse(uri: str) -> PaymentRequest | Malformed:
    """Read a link. No text raises; amounts are exact integers."""
    match = _LINK.fullmatch(uri) if len(uri) <= LONGEST else None
    if match is None:
        return Malformed(reason="this is not monero:<address>[?<key>=<value>&…]")
    address = match["address"]
    integrated = any(monero.split(address, network) is not None for network in Network)
    if not integrated and all(monero.canonical(address, network) is None for network in Network):
        return Malformed(reason="the address has a wrong length, prefix or checksum")
    pairs = _pairs(match["query"])
    if isinstance(pairs, Malformed):
        return pairs
    if "tx_payment_id" in pairs and integrated:
        return Malformed(reason="an integrated address has its own payment id")
    return _request(address, pairs)


def _request(address: str, pairs: Mapping[str, str]) -> PaymentRequest | Malformed:
    values = {key: _READ[key](pairs[key]) for key in _READ if key in pairs}
    for key, value in values.items():
        if value is None:
            return Malformed(reason=f"{key} is not {_KINDS[key]}")
    return PaymentRequest(
        address=address,
        amount=_units(pairs["tx_amount"]) if "tx_amount" in pairs else None,
        recipient_name=percent.decode(pairs["recipient_name"]) if "recipient_name" in pairs else None,
        description=percent.decode(pairs["tx_description"]) if "tx_description" in pairs else None,
        payment_id=pairs.get("tx_payment_id"),
        unknown=tuple(f"{key}={value}" for key, value in pairs.items() if key not in _READ),
    )


def _pairs(query: str | None) -> dict[str, str] | Malformed:
    pairs: dict[str, str] = {}
    for parameter in query.split("&") if query else ():
        key, equals, value = parameter.partition("=")
        if not equals or "=" in value:
            return Malformed(reason=f"parameter {len(pairs) + 1} is not <key>=<value>")
        if key in pairs:
            return Malformed(reason=f"parameter {len(pairs) + 1} stands there twice")
        pairs[key] = value
    return pairs


def _units(written: str) -> int | None:
    """Return an amount of XMR in atomic units; None for anything that is not exactly one."""
    match = _AMOUNT.fullmatch(written)
    if match is None or written in ("", "."):
        return None
    fraction = (match["fraction"] or "").rstrip("0")
    if len(fraction) > DECIMALS:
        return None
    units = int((match["whole"] or "0") + fraction.ljust(DECIMALS, "0"))
    return units if units <= MOST else None


def _hex64(written: str) -> str | None:
    return written if _PAYMENT_ID.fullmatch(written) else None


_READ: Mapping[str, Callable[[str], int | str | None]] = {
    "tx_amount": _units,
    "recipient_name": percent.decode,
    "tx_description": percent.decode,
    "tx_payment_id": _hex64,
}
"""By key, what reads its value: None where it is none of its kind."""
