"""Solana Pay links (specification 1.1): written for our orders, read strictly. Pure.

solana:<recipient> ? amount=<decimal> & spl-token=<mint> & reference=<key>… & label= & message= & memo=
solana:<https link>        a transaction request: the wallet asks that server what to sign
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chains import percent
from chains.solana.reference import is_reference, is_wallet
from config.amounts import to_text, to_units

LONGEST = 2048
_MOST_REFERENCES = 32

_URI = re.compile(r"solana:(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?", re.IGNORECASE)  # a scheme's case means nothing
_ESCAPED = re.compile(r"(?:[A-Za-z0-9._~!$'()*+,;:@/?-]|%[0-9A-Fa-f]{2})*")  # RFC 3986 §3.4, without & and =
_AMOUNT = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?")  # no sign, no exponent, no bare point (§Amount)
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?][^\s#]*)?", re.IGNORECASE)
_TEXTS = ("label", "message", "memo")
_ONCE = ("amount", "spl-token", *_TEXTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferRequest:
    """What a link asks the payer's wallet to transfer."""

    recipient: str  # a wallet, never its token account
    amount: str | None = None  # in whole coins or tokens, as a plain decimal; None: the payer is asked
    token: str | None = None  # mint; None: SOL
    references: tuple[str, ...] = ()  # named by the transaction, in order
    label: str | None = None  # who asks, to show
    message: str | None = None  # what for, to show
    memo: str | None = None  # travels with the transaction

    def units(self, decimals: int) -> int | None:
        """Return the amount in the smallest unit; None where the payer is asked.

        Raises ValueError where it has more decimals than the asset, which a wallet must refuse (§Amount).
        """
        return None if self.amount is None else to_units(self.amount, decimals)


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionRequest:
    """A server that the payer's wallet would ask for a transaction. We make none of these."""

    link: str  # https


PaymentRequest = TransferRequest | TransactionRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A text that is no Solana Pay link, and why."""

    reason: str


def transfer_uri(
    recipient: str,
    units: int,
    decimals: int,
    *,
    token: str | None = None,
    references: Sequence[str] = (),
    memo: str | None = None,
    label: str | None = None,
    message: str | None = None,
) -> str:
    """Return the link that pays `units` (smallest unit, of an asset with so many decimals) to a wallet."""
    return write(
        TransferRequest(
            recipient=recipient,
            amount=to_text(units, decimals),
            token=token,
            references=tuple(references),
            label=label,
            message=message,
            memo=memo,
        )
    )


def write(request: PaymentRequest) -> str:
    """Return the link of any request."""
    if isinstance(request, TransactionRequest):
        return f"solana:{percent.encode(request.link)}"
    fields = [("amount", request.amount), ("spl-token", request.token)]
    fields += [("reference", reference) for reference in request.references]
    fields += [("label", request.label), ("message", request.message), ("memo", request.memo)]
    query = "&".join(f"{name}={percent.encode(value)}" for name, value in fields if value is not None)
    return f"solana:{request.recipient}{'?' if query else ''}{query}"


def parse(uri: str) -> PaymentRequest | Malformed:
    """Read a link. No text raises."""
    match = _URI.fullmatch(uri) if len(uri) <= LONGEST else None
    if match is None:
        return Malformed(reason="this is not solana:<recipient or link>[?<name>=<value>&…]")
    path = _decoded(match["path"])
    if path is None:
        return Malformed(reason="what follows solana: is not properly percent-encoded")
    if ":" in path:  # §Transaction Request: no address has one
        link = _LINK.fullmatch(path)
        return Malformed(reason="the link is no https URL") if link is None else TransactionRequest(link=path)
    if not _is_address(path):
        return Malformed(reason="the recipient is no address (32 bytes in base58)")
    query = _query(match["query"] or "")
    return query if isinstance(query, Malformed) else _transfer(path, query)


def _query(query: str) -> dict[str, list[str]] | Malformed:
    """Return the values of each name; names that the specification does not know are left out (§Query)."""
    values: dict[str, list[str]] = {}
    for parameter in query.split("&") if query else ():
        name, equals, written = parameter.partition("=")
        value = _decoded(written, plus=" ")  # as the reference implementation writes a space (URL Standard §5.1)
        if not (name and equals) or value is None:
            return Malformed(reason="a parameter is not <name>=<value>, properly percent-encoded")
        values.setdefault(name, []).append(value)
    if any(len(values.get(name, ())) > 1 for name in _ONCE):
        return Malformed(reason=f"one of {', '.join(_ONCE)} stands there twice")
    return values


def _transfer(recipient: str, values: dict[str, list[str]]) -> TransferRequest | Malformed:
    once = {name: values[name][0] if name in values else None for name in _ONCE}
    amount, token, references = once["amount"], once["spl-token"], values.get("reference", [])
    if amount is not None and _AMOUNT.fullmatch(amount) is None:
        return Malformed(reason="the amount is no plain decimal")
    if token is not None and not _is_address(token):
        return Malformed(reason="the token is no address of a mint")
    if len(references) > _MOST_REFERENCES or not all(_is_address(reference) for reference in references):
        return Malformed(reason="a reference is no address, or there are too many")
    return TransferRequest(
        recipient=recipient,
        amount=amount,
        token=token,
        references=tuple(references),
        label=once["label"],
        message=once["message"],
        memo=once["memo"],
    )


def _is_address(text: str) -> bool:
    return is_wallet(text) or is_reference(text)


def _decoded(text: str, *, plus: str = "+") -> str | None:
    return percent.decode(text.replace("+", plus)) if _ESCAPED.fullmatch(text) else None
