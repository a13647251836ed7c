"""What an endpoint shows of its chain before any block is read: its tip, its finality, and where we stand on it."""

from dataclasses import dataclass
from typing import TypeVar

from chains.blocks import Contradiction, Link
from chains.evm.reader import Reader
from chains.rpc import EndpointError, Trouble
from config.registry import Finality

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What an endpoint shows of its chain."""

    tip: Link
    final: int  # height up to which it calls blocks final, by its own word or by depth
    tagged: int | None  # the same by its own word alone
    at_our_tip: Link | None  # its block where our newest one stands


async def look(reader: Reader, finality: Finality, our_height: int | None = None) -> View:
    """Return an endpoint's view. Raises EndpointError."""
    tag = finality.tag
    named: list[int | str] = ["latest"]
    named += [tag] if tag is not None else []
    named += [our_height] if our_height is not None else []
    headers = await reader.headers(*named)
    tip = there(headers[0])
    said = headers[1] if tag is not None else None
    return View(
        tip=tip,
        final=said.height if said is not None else tip.height - finality.blocks + 1,
        tagged=said.height if said is not None else None,
        at_our_tip=headers[-1] if our_height is not None else None,
    )


def there(link: Link | None) -> Link:
    """Return a block that has to be there."""
    if link is None:
        raise EndpointError(Trouble.INCONSISTENT, "a block it has seen is not there")
    return link


def fitting(value: T | Contradiction) -> T:
    """Return what fits together; a contradiction is the endpoint's failure."""
    if isinstance(value, Contradiction):
        raise EndpointError(Trouble.INCONSISTENT, value.reason)
    return value
