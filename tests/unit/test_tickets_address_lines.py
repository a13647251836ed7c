"""How far a line of own addresses was handed out: every one that a buyer may have seen, and where money is final."""

from chains.port import PaymentKey
from tests.support.tickets_box import CHAIN, ETH, opened, ordered
from tickets import address_lines, addresses, till
from tickets.till import PaymentRecord, PaymentState


def named(*positions):
    return [f"0x{position:040x}" for position in positions]


async def lines(store):
    return await store.read(address_lines.of_chains)


async def ready(store, count):
    await store.transact(lambda conn: addresses.extend(conn, CHAIN.id, named(*range(count)), start=0))
    await store.transact(lambda conn: addresses.acknowledge(conn, CHAIN.id, range(count - 1)))


async def paid(store, now, *places, state=PaymentState.FINAL, chain=CHAIN.id):
    records = [
        PaymentRecord(
            key=PaymentKey(chain=chain, txid=f"{state}-{number}", index="v"), asset=ETH.id, amount=1,
            destination=destination, sender=None, direct=True, memos=(), internal=False, state=state, confirmations=9,
            height=7, block_hash="0x07", block_time=now, first_seen=now,
        )
        for number, destination in enumerate(named(*places))
    ]  # fmt: skip
    await store.transact(lambda conn: till.record(conn, records, now=now))


async def test_a_line_that_no_buyer_has_seen_is_none(store):
    await ready(store, 4)
    assert await lines(store) == {}


async def test_what_was_shown_is_handed_out_and_stays_so_when_it_is_retired(store, now):
    event = await opened(store, now)
    await ready(store, 6)
    orders = [await ordered(store, event, now) for _ in range(2)]
    await store.transact(lambda conn: addresses.retire(conn, orders[0].id))
    line = (await lines(store))[CHAIN.id]
    assert (line.handed_out, line.end, line.paid) == (2, 2, {})


async def test_what_a_restore_gave_up_may_have_been_seen(store, now):
    event = await opened(store, now)
    await ready(store, 6)
    await ordered(store, event, now)
    assert (
        await store.transact(
            lambda conn: addresses.restored(conn, CHAIN.id, lambda a, n: named(*range(a, a + n)), gap=3)
        )
        == 9
    )
    line = (await lines(store))[CHAIN.id]
    assert (line.handed_out, line.end) == (9, 9)


async def test_only_final_payments_to_own_addresses_of_that_chain_count_each_address_once(store, now):
    event = await opened(store, now)
    await ready(store, 6)
    for _ in range(4):
        await ordered(store, event, now)
    await paid(store, now, 2, 0, 2, 99)
    await paid(store, now, 1, state=PaymentState.PENDING)
    await paid(store, now, 1, state=PaymentState.GONE)
    await paid(store, now, 1, state=PaymentState.LOST)
    await paid(store, now, 1, chain="eip155:1")
    [line] = (await lines(store)).values()
    assert (line.handed_out, line.end, line.paid) == (4, 4, dict(zip((0, 2), named(0, 2), strict=True)))
