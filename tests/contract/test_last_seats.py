"""64 buyers race for the last 10 tickets, each payment settled in a transaction of its own, all at once."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from chains.port import Block, Payment, PaymentKey, Sweep, Tip
from monitor.settlement import settle
from payouts.invariants import faults
from payouts.schema import dues
from tests.support.monitor_world import CHAIN_RECORD, COIN, PRICE, RECEIVE, START, draft, memo, terms, wallet
from tests.support.tickets_box import without_the_guards
from tickets import events
from tickets.schema import tickets

BUYERS = 64
PLACES = 10


@pytest.fixture
async def event(store):
    return await store.transact(lambda conn: events.create(conn, draft(capacity=PLACES), now=START))


def sweep_of(event, number):
    """Return what the watcher of one of many chains would see: one final payment."""
    chain = f"eip155:{1000 + number}"
    block = Block(height=1, hash=f"0x{number}", time=START)
    payment = Payment(
        key=PaymentKey(chain=chain, txid=f"0x{number:064x}", index="v"),
        asset=COIN,
        amount=PRICE,
        destination=RECEIVE,
        sender=wallet(number),
        memos=(memo(event, number),),
        block=block,
    )
    tip = Tip(height=8, hash="0xff", time=START)
    return Sweep(final=(payment,), pending=(), gone=(), tip=tip, final_height=1, checkpoint={})


async def race(store, event):
    """Settle every buyer's payment at once, as watchers of different chains do."""

    def work(number):
        sweep = sweep_of(event, number)
        its = terms(replace(CHAIN_RECORD, id=sweep.final[0].key.chain))
        return store.transact(lambda conn: settle(conn, sweep, its, START))

    return await asyncio.gather(*(work(number) for number in range(1, BUYERS + 1)))


def counted(conn):
    sold = conn.execute(select(func.count()).select_from(tickets)).scalar_one()
    owed = conn.execute(select(dues.c.reason, func.count()).group_by(dues.c.reason)).all()
    return sold, [tuple(row) for row in owed]


async def test_ten_of_64_win_and_54_are_owed_their_money(store, event):
    await race(store, event)
    assert await store.read(counted) == (PLACES, [("sold_out", BUYERS - PLACES)])
    assert await store.read(faults) == ()
    tier = (await store.read(lambda conn: events.find(conn, event.id))).tiers[0]
    assert (tier.held, tier.sold) == (0, PLACES)


async def test_with_the_guards_removed_the_same_race_oversells(store, event, monkeypatch):
    without_the_guards(monkeypatch)
    await race(store, event)
    sold, _ = await store.read(counted)
    assert sold == BUYERS
