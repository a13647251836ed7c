"""ERC-681 payment links: written for our orders, read strictly by the standard's grammar. Pure.

    request = "ethereum:" [ "pay-" ] target_address [ "@" chain_id ] [ "/" function_name ] [ "?" parameters ]

A link cannot carry a memo; `chains.evm.transaction` makes the wallet transaction that can.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from chains import percent
from chains.evm import address as evm
from config.registry import Network

LONGEST = 2048
UINT256_MAX = 2**256 - 1

_REQUEST = re.compile(
    r"ethereum:(?:pay-)?(?P<target>[^@/?]+)(?:@(?P<chain>[0-9]{1,78}))?(?:/(?P<function>[^/?]+))?(?:\?(?P<query>.+))?",
    re.IGNORECASE,  # a scheme's case means nothing (RFC 3986 §3.1), nor does that of ABNF's literals (RFC 5234 §2.3)
)
_NUMBER = re.compile(r"(?P<sign>[-+]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]+))?(?:[eE](?P<exponent>[0-9]{0,3}))?")
_QUANTITIES = ("value", "gas", "gasLimit", "gasPrice")
_NUMERIC_TYPE = r"u?int(?:8|[1-9][0-9]{1,2})?|u?fixed(?:[0-9]{1,3}x[0-9]{1,2})?"
_TYPE = re.compile(rf"(?:(?P<number>{_NUMERIC_TYPE})|address|bool|string|function|bytes[0-9]{{0,2}})(?:\[[0-9]*\])*")
_HEX = re.compile(r"0[xX][0-9a-fA-F]*")
_ENS_NAME = re.compile(
    r"[^\s.:&=#%]+(?:\.[^\s.:&=#%]+)+"
)  # ERC-137: labels joined by dots; resolving it is the payer's
_STRING = re.compile(r"(?:[A-Za-z0-9._~!$'()*+,;:\[\]-]|%[0-9a-fA-F]{2})*")  # §Syntax: delimiters and % only escaped


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRequest:
    """What a link asks the payer's wallet to do."""

    target: str  # address as written, or an ENS name; the contract where a function is named
    chain_id: int | None = None  # None: whichever the wallet is on
    function: str | None = None  # None: pay in the chain's own coin
    parameters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)  # value, gas, …
    arguments: tuple[tuple[str, int | str], ...] = ()  # of the function: ABI type and value, in order

    @property
    def beneficiary(self) -> str | None:
        """Who is paid: the target, or the recipient of an ERC-20 `transfer`; None for any other call."""
        if self.function is None:
            return self.target
        match self.arguments:
            case (("address", str() as recipient), ("uint256", int())) if self.function == "transfer":
                return recipient
        return None

    @property
    def amount(self) -> int | None:
        """How much is asked for, in wei or in the token's smallest unit; None where the payer is to decide."""
        if self.function is None:
            return self.parameters.get("value")
        match self.arguments:
            case (("address", str()), ("uint256", int() as units)) if self.function == "transfer":
                return units
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A text that is no ERC-681 link, and why."""

    reason: str


def native_uri(address: str, chain_id: int, wei: int) -> str:
    """Return the link that pays `wei` of the chain's own coin. The amount is written out: every wallet reads that."""
    return f"ethereum:{address}@{chain_id}?value={wei}"


def token_uri(contract: str, chain_id: int, recipient: str, units: int) -> str:
    """Return the link that pays `units` of an ERC-20 token by its `transfer`."""
    return f"ethereum:{contract}@{chain_id}/transfer?address={recipient}&uint256={units}"


def write(request: PaymentRequest) -> str:
    """Return the link of any request."""
    at = "" if request.chain_id is None else f"@{request.chain_id}"
    function = "" if request.function is None else f"/{percent.encode(request.function)}"
    pairs = (*request.parameters.items(), *request.arguments)
    query = "&".join(f"{key}={percent.encode(str(value))}" for key, value in pairs)
    return f"ethereum:pay-{request.target}{at}{function}{'?' if query else ''}{query}"


def parse(uri: str) -> PaymentRequest | Malformed:
    """Read a link. No text raises; numbers are exact integers, whatever notation they came in."""
    match = _REQUEST.fullmatch(uri) if len(uri) <= LONGEST else None
    if match is None:
        return Malformed(reason="this is not ethereum:[pay-]<address>[@<chain id>][/<function>][?<key>=<value>&…]")
    if (mistake := _mistake_in_target(match["target"])) is not None:
        return Malformed(reason=mistake)
    function = None if match["function"] is None else _decoded(match["function"])
    if match["function"] is not None and function is None:
        return Malformed(reason="the function's name is not properly percent-encoded")
    query = _query(match["query"])
    if isinstance(query, Malformed):
        return query
    return PaymentRequest(
        target=match["target"],
        chain_id=None if match["chain"] is None else int(match["chain"]),
        function=function,
        parameters=MappingProxyType({key: value for key, value in query if key in _QUANTITIES and type(value) is int}),
        arguments=tuple(pair for pair in query if pair[0] not in _QUANTITIES),
    )


def _mistake_in_target(target: str) -> str | None:
    if _HEX.fullmatch(target):  # takes precedence over an ENS name of the same letters (§Semantics)
        is_address = evm.canonical(target, Network.MAIN) is not None
        return None if is_address else "the address does not have 40 hex digits, or fails its EIP-55 checksum"
    return None if _ENS_NAME.fullmatch(target) else "the target is neither an address nor an ENS name"


def _query(text: str | None) -> list[tuple[str, int | str]] | Malformed:
    pairs: list[tuple[str, int | str]] = []
    for parameter in text.split("&") if text else ():
        key, equals, written = parameter.partition("=")
        value = _value(key, written) if equals else None
        if value is None:
            return Malformed(reason=f"parameter {len(pairs) + 1} is not <key>=<value> with a value of its key's kind")
        if key in _QUANTITIES and any(key == earlier for earlier, _ in pairs):
            return Malformed(reason=f"{key} stands there twice")
        pairs.append((key, value))
    return pairs


def _value(key: str, written: str) -> int | str | None:
    """Return a parameter's value, None where the key is unknown or the value is not of its kind."""
    if key in _QUANTITIES:
        number = _number(written)
        return number if number is not None and number >= 0 else None
    kind = _TYPE.fullmatch(key)
    if kind is None:
        return None
    is_number = kind["number"] is not None and not key.endswith("]")
    return _number(written) if is_number else _decoded(written)


def _number(written: str) -> int | None:
    """Return an integer in plain or scientific notation; None for anything that is not exactly one of 256 bits."""
    match = _NUMBER.fullmatch(written)
    if match is None:
        return None
    fraction, exponent = match["fraction"] or "", int(match["exponent"] or 0)
    digits = match["whole"] + fraction
    zeros = exponent - len(fraction)  # §Syntax: the exponent MUST be at least the number of decimals
    if not digits or zeros < 0 or len(digits) + zeros > LONGEST:
        return None
    number = int(digits) * 10**zeros
    return None if number > UINT256_MAX else -number if match["sign"] == "-" else number


def _decoded(text: str) -> str | None:
    return percent.decode(text) if _STRING.fullmatch(text) else None
