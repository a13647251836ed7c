"""What came to us inside contract calls is found in full, once, in its block, however the history is cut and read.

For any history of direct payments, own transactions and internal ones: where every state can be read, exactly the
internal ones are found, block by block. Where states are missing, at no time more was found than had come in, none
earlier than it came, and once the newest state can be read again, all of it. Of an account with code, what a block
brought on balance is found.
"""

import asyncio
from dataclasses import dataclass, field
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from chains.blocks import Link
from chains.evm.audit import confirms, find
from chains.evm.balances import Balances, EvmBlock, Range, carried, payments, remembered
from chains.evm.holdings import CODE
from chains.evm.ours import Ours
from chains.port import Block, Payment, PaymentKey, Watch
from chains.position import moment
from chains.rpc import Endpoint, Refusal
from tests.support.chains_drivers import evm_chain

CHAIN = evm_chain(1)
ADDRESSES = tuple(f"0x{number:040x}" for number in (0xA1, 0xB2, 0xC3))
OURS = Ours.of(Watch(active=frozenset(ADDRESSES)), CHAIN)


@dataclass(frozen=True)
class Day:
    """What one block did to one address."""

    direct: int = 0
    internal: int = 0
    spent: int = 0  # by its own transaction, fee included; never more than it had
    paid_by_code: int = 0  # without a transaction of its own


days = st.builds(Day, direct=st.sampled_from([0, 0, 0, 7]), internal=st.sampled_from([0, 0, 0, 1, 5]))
days |= st.builds(Day, spent=st.integers(0, 9), internal=st.sampled_from([0, 3]))
histories = st.lists(st.tuples(*[days] * len(ADDRESSES)), min_size=1, max_size=40)
cuts = st.lists(st.integers(1, 12), min_size=1)


@dataclass
class Node:
    """Knows every balance of a history, and forgets what it is told to."""

    rows: list  # of tuples, by height from 1 on
    coded: bool = False
    forgets_below: int = 0
    host: str = "node.example"
    held: list = field(default_factory=list)

    def __post_init__(self):
        fixed = []
        for row in self.rows:
            before = self.held[-1] if self.held else (0,) * len(row)
            after = []
            for balance, day in zip(before, row, strict=True):
                had = balance + day.direct + day.internal
                after.append(had - min(day.spent, had) - min(day.paid_by_code, had - min(day.spent, had)))
            fixed.append(
                tuple(min(day.spent, b + day.direct + day.internal) for b, day in zip(before, row, strict=True))
            )
            self.held.append(tuple(after))
        self.spent = fixed
        self.held.insert(0, (0,) * len(ADDRESSES))

    async def batch(self, calls):
        return [self._answer(call) for call in calls]

    async def call(self, call):
        return self._answer(call)

    def _answer(self, call):
        height = int(call.params[1], 16)
        if height < self.forgets_below or call.method != "eth_call":
            return Refusal(code=-32000, message="missing trie node")
        packed = call.params[0]["data"][2 + len(CODE) :]
        asked = ["0x" + packed[at : at + 40] for at in range(0, len(packed), 40)]
        words = [self.held[height][ADDRESSES.index(address)] | (self.coded << 127) for address in asked]
        return f"0x{height:064x}" + "".join(f"{word:032x}" for word in words)

    def block(self, height):
        link = Link(height=height, hash=f"0x{height:064x}", parent=f"0x{height - 1:064x}", time=height)
        row = self.rows[height - 1]
        direct = tuple(
            _payment(address, day.direct, link) for address, day in zip(ADDRESSES, row, strict=True) if day.direct
        )
        spent = tuple((address, wei) for address, wei in zip(ADDRESSES, self.spent[height - 1], strict=True) if wei)
        return EvmBlock(link=link, payments=direct, spent=spent)


def _payment(address, amount, link):
    return Payment(
        key=PaymentKey(chain=CHAIN.id, txid=f"{link.hash}{address}", index="v"),
        asset=CHAIN.native.id, amount=amount, destination=address, sender=None, memos=(),
        block=Block(height=link.height, hash=link.hash, time=moment(link.time)),
    )  # fmt: skip


async def _identify(_transport):
    return CHAIN.id


def audited(node, sizes, forgetting=()):
    """Raise finality over the history in ranges of these sizes; yield what was found after each."""
    endpoint = Endpoint(chain=CHAIN.id, index=0, transport=node, identify=_identify)
    balances, at, number = Balances(read=0), 0, 0
    while at < len(node.rows):
        last = min(at + sizes[number % len(sizes)], len(node.rows))
        if last < len(node.rows) and forgetting:
            node.forgets_below = forgetting[number % len(forgetting)] + at
        elif forgetting:
            node.forgets_below = min(node.forgets_below, last)
        span = Range.of([node.block(height) for height in range(at + 1, last + 1)], OURS)
        finding = asyncio.run(find(endpoint, balances, span, OURS))
        if finding.now is None:
            balances, found = carried(balances, span), ()
        else:
            assert asyncio.run(confirms(endpoint, finding))
            balances = remembered(balances, finding.now, finding.bases, span)
            found = payments(finding.rises, span, OURS)
        yield last, [(one.block.height, one.destination, one.amount) for one in found]
        at, number = last, number + 1


@given(rows=histories, sizes=cuts)
def test_exactly_what_came_inside_calls_is_found_in_its_block(rows, sizes):
    found = [one for _, some in audited(Node(rows), sizes) for one in some]
    came = [
        (height, address, day.internal)
        for height, row in enumerate(rows, 1)
        for address, day in zip(ADDRESSES, row, strict=True)
        if day.internal
    ]
    assert found == came


@given(rows=histories, sizes=cuts, forgetting=st.lists(st.sampled_from([0, 1, 3, 6, 100]), min_size=1))
def test_where_states_are_missing_nothing_is_found_early_twice_or_never(rows, sizes, forgetting):
    came = {address: [0, *accumulate(row[place].internal for row in rows)] for place, address in enumerate(ADDRESSES)}
    total = dict.fromkeys(ADDRESSES, 0)
    for last, found in audited(Node(rows), sizes, forgetting):
        for height, address, amount in found:
            total[address] += amount
            assert height <= last
            assert total[address] <= came[address][height]
    assert total == {address: sums[-1] for address, sums in came.items()}


fickle = st.builds(
    Day, direct=st.sampled_from([0, 7]), internal=st.sampled_from([0, 1, 5]), paid_by_code=st.integers(0, 9)
)


@given(rows=st.lists(st.tuples(*[fickle] * len(ADDRESSES)), min_size=1, max_size=20), sizes=cuts)
def test_of_an_account_with_code_what_each_block_brought_on_balance_is_found(rows, sizes):
    node = Node(rows, coded=True)
    found = [one for _, some in audited(node, sizes) for one in some]
    brought = [
        (height, address, node.held[height][place] - node.held[height - 1][place] - rows[height - 1][place].direct)
        for height in range(1, len(rows) + 1)
        for place, address in enumerate(ADDRESSES)
    ]
    assert found == [one for one in brought if one[2] > 0]
