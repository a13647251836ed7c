"""ERC-6492: the wrapping of a signature whose wallet is not deployed yet, opened and closed. No chain is asked here."""

from dataclasses import dataclass

MAGIC = bytes.fromhex("6492" * 16)
"""The suffix that no ERC-1271 signature ends in by accident."""
_WORD = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrapped:
    """A signature and how its wallet would come to be."""

    factory: bytes  # 20 bytes: who deploys the wallet
    deployment: bytes  # the calldata with which it does
    signature: bytes  # what the wallet itself is asked about


def is_wrapped(signature: bytes) -> bool:
    """Whether the signature carries the suffix, which ERC-6492 has looked for before everything else."""
    return signature.endswith(MAGIC)


def unwrap(signature: bytes) -> Wrapped | None:
    """Open `abi.encode(address factory, bytes deployment, bytes signature) ‖ MAGIC`; None if it is not that.

    Read here and not in the EVM: there a malformed wrapping would revert the call, and read like a failure of the node.
    """
    body = signature.removesuffix(MAGIC)
    padding, factory = body[:12], body[12:_WORD]
    deployment, inner = _dynamic(body, 1), _dynamic(body, 2)
    if len(factory) != 20 or any(padding) or deployment is None or inner is None:  # noqa: PLR2004  an address
        return None
    return Wrapped(factory=factory, deployment=deployment, signature=inner)


def wrap(wrapped: Wrapped) -> bytes:
    """Return the wrapped form, as a wallet writes it."""
    deployment = _padded(wrapped.deployment)
    head = (
        wrapped.factory.rjust(_WORD, b"\0")
        + _word(3 * _WORD)
        + _word(4 * _WORD + len(deployment))
    )  # fmt: skip
    tail = _word(len(wrapped.deployment)) + deployment + _word(len(wrapped.signature)) + _padded(wrapped.signature)
    return head + tail + MAGIC


def _dynamic(body: bytes, position: int) -> bytes | None:
    """Read the `bytes` argument at this position of the head: its offset, there its length, then itself."""
    offset = _number(body, position * _WORD)
    length = None if offset is None else _number(body, offset)
    if offset is None or length is None:
        return None
    start = offset + _WORD
    return body[start : start + length] if start + length <= len(body) else None


def _number(body: bytes, at: int) -> int | None:
    word = body[at : at + _WORD]
    return int.from_bytes(word, "big") if len(word) == _WORD else None


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, "big")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _WORD)
