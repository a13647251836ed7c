"""ERC-20's Transfer events as logs spell them: which of them move an accepted token to us. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chains.evm.fields import quantity
from chains.evm.ours import TRANSFER, Ours, address_in

_TOPICS = 3
_WORD = 2 + 2 * 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """An ERC-20 Transfer of an accepted token to one of our addresses."""

    sender: str
    destination: str
    amount: int


def transfer_in(log: Mapping[str, Any], ours: Ours) -> Transfer | None:
    """Read a log, if it is such a transfer and moves anything (EIP-20: two indexed addresses, one word of data).

    Raises one of `fields.MALFORMED` for a log of another shape.
    """
    if log["address"].lower() not in ours.tokens or log.get("removed"):
        return None
    topics, data = log["topics"], log["data"]
    if len(topics) != _TOPICS or topics[0].lower() != TRANSFER or len(data) != _WORD:
        return None
    sender, destination, amount = address_in(topics[1]), address_in(topics[2]), quantity(data)
    if sender is None or destination is None or destination not in ours.addresses or not amount:
        return None
    return Transfer(sender=sender, destination=destination, amount=amount)
