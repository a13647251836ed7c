"""Hive blocks as block_api sends them: transfers between strangers, and the same with one to us among them."""

from collections.abc import Iterator

import orjson

from bench.blocks.limits import UNIT, foreign, parsed_alone
from bench.contest import Contest, Peer
from chains.hive.amounts import HIVE, Amount, spoken
from chains.hive.ours import Ours
from chains.hive.parse import CheckedBlock, check_block, payments_in
from chains.port import Watch
from tests.nodes.hive.chain import Emulation
from tests.support.hive_node import hive_chain

COUNT = 150
"""Transactions: a busy block of the main network."""
OURS = "usher-tickets"


def contests() -> Iterator[Contest]:
    """Yield a contest for a block of strangers, and for one that is to be hashed because it pays us."""
    ours = Ours.of(Watch(active=foreign("x{}")), hive_chain())
    yield _contest("of strangers", _block(), ours, 0)
    paid = Ours.of(Watch(active=frozenset({OURS})), hive_chain())
    yield _contest("one pays us", _block(OURS), paid, 1)


def _contest(name: str, raw: bytes, ours: Ours, found: int) -> Contest:
    def payments() -> None:
        block = check_block(orjson.loads(raw))
        assert isinstance(block, CheckedBlock), block
        assert len(payments_in(block, ours)) == found

    return Contest(
        name=f"parse Hive, {name}, {COUNT} transactions",
        ours=payments,
        peers=(Peer(name="orjson.loads", work=parsed_alone(raw)),),
        unit=UNIT,
        per_call=COUNT,
    )


def _block(last: str = "stranger") -> bytes:
    chain = Emulation()
    chain.account("payer", hive=10**9)
    chain.account("stranger")
    chain.account(OURS)
    chain.mine()
    for number in range(COUNT):
        amount = spoken(Amount(nai=HIVE, units=1 + number))
        to = last if number == COUNT - 1 else "stranger"
        chain.send("payer", ["transfer", {"from": "payer", "to": to, "amount": amount, "memo": "for the coffee"}])
    chain.mine()
    assert len(chain.head.transactions) == COUNT
    return orjson.dumps(chain.head.modern)
