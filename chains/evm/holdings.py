"""What accounts hold at a block, many of them in one `eth_call`: the question, and the reading of its answer. Pure.

The call has no receiver, so the node runs its data as a contract's creation and returns what that returns (as an
account that is not there yet answers ERC-6492). The code runs over the addresses behind it and returns the number of
the block it ran on, then sixteen bytes for each: its balance, and in the highest bit whether it has code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chains.distrust import Distrusted
from chains.evm.fields import MALFORMED, quantity

MOST = 500
"""Addresses in one call: 3.2 million gas (EIP-2929: 2,600 for each), 8 of the 24 kB that a creation may return."""

CODE = (
    "43600052"  # mstore(0, number): a first byte that is not 0xef, which EIP-3541 would refuse
    "60386020"  # [i, out] = [size of this code, 32]
    "5b388210156034576014828239"  # while i < codesize: codecopy(out, i, 20)
    "805160601c"  # [i, out, address]
    "803b1515607f1b9031176080"  # [i, out, (extcodesize > 0) << 127 | balance, 128]
    "1b8152"  # mstore(out, … << 128)
    "6010019060140190600856"  # out += 16, i += 20
    "5b6000f3"  # return(0, out)
)
"""Creation code; the addresses follow it."""
_NUMBER, _EACH = 32, 16
_CODED = 1 << 127
NO_CODE = "0x"


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What an account holds at the end of a block."""

    wei: int
    coded: bool = False  # a contract, or a key that lent itself to one (EIP-7702): it can pay without a transaction

    def __post_init__(self) -> None:
        if self.wei < 0:
            raise ValueError("a balance below zero")


Holdings = Mapping[str, Holding]
"""By address, lower case."""


def question(addresses: Sequence[str]) -> dict[str, str]:
    """Return the call that asks for what these addresses (lower case, at most MOST) hold."""
    return {"data": f"0x{CODE}{''.join(address[2:] for address in addresses)}"}


def answered(answer: Any, addresses: Sequence[str], height: int) -> Holdings | Distrusted:
    """Read the answer of the call at a height. Some nodes run it elsewhere than at the block they were asked about."""
    try:
        raw = bytes.fromhex(answer.removeprefix("0x"))
    except MALFORMED:
        return Distrusted(reason="balances of another shape")
    if len(raw) != _NUMBER + _EACH * len(addresses):
        return Distrusted(reason="balances of another shape")
    if int.from_bytes(raw[:_NUMBER], "big") != height:
        return Distrusted(reason=f"balances at another block than {height}")
    words = (int.from_bytes(raw[at : at + _EACH], "big") for at in range(_NUMBER, len(raw), _EACH))
    return {
        address: Holding(wei=word & ~_CODED, coded=word >= _CODED)
        for address, word in zip(addresses, words, strict=True)
    }


def told_singly(balance: Any, code: Any) -> Holding | Distrusted:
    """Read the answers of `eth_getBalance` and `eth_getCode` about one address."""
    try:
        return Holding(wei=quantity(balance), coded=code.lower() != NO_CODE)
    except MALFORMED as error:
        return Distrusted(reason=f"a balance of another shape ({error!r})")
