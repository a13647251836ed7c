"""How far chains were read is stored with what was found, on both databases."""

from dataclasses import replace
from datetime import timedelta

from chains.port import Watch
from chains.progress import Status, load, save, status_of, stop
from chains.testing import CHAIN, FakeChain

WATCH = Watch(active=frozenset({"ours"}))


async def sweep_of(chain):
    return await chain.poll(await chain.start(0), WATCH)


async def test_a_chain_never_read_has_no_progress(store):
    assert await store.transact(lambda conn: load(conn, CHAIN)) is None


async def test_what_was_saved_is_loaded_and_the_next_poll_goes_on_from_it(store, now):
    chain = FakeChain(finality=2).pay("ours", 2**200).mine(3)
    sweep = await sweep_of(chain)
    await store.transact(lambda conn: save(conn, CHAIN, sweep, now))
    progress = await store.transact(lambda conn: load(conn, CHAIN))
    assert progress.checkpoint == sweep.checkpoint
    assert (progress.tip_height, progress.tip_time) == (3, sweep.tip.time)
    assert (progress.final_height, progress.polled_at, progress.status) == (2, now, Status.FOLLOWING)
    chain.mine()
    assert (await chain.poll(progress.checkpoint, WATCH)).final_height == 3


async def test_a_stopped_chain_says_why_and_since_when_until_it_is_followed_again(store, now):
    sweep = await sweep_of(FakeChain().mine(3))
    await store.transact(lambda conn: save(conn, CHAIN, sweep, now))
    await store.transact(lambda conn: stop(conn, CHAIN, "a final block changed", now + timedelta(minutes=1)))
    [progress] = await store.transact(status_of)
    assert progress.status is Status.STOPPED
    assert progress.reason == "2026-11-20T12:01:00+00:00 a final block changed"
    assert progress.polled_at == now
    await store.transact(lambda conn: save(conn, CHAIN, sweep, now))
    [progress] = await store.transact(status_of)
    assert (progress.status, progress.reason) == (Status.FOLLOWING, None)


async def test_a_chain_that_stopped_before_it_was_ever_read_says_so(store, now):
    await store.transact(lambda conn: stop(conn, CHAIN, "why", now))
    [progress] = await store.transact(status_of)
    assert (progress.status, progress.reason, progress.begun) == (Status.STOPPED, f"{now.isoformat()} why", False)


async def test_only_a_poll_with_nothing_left_to_read_has_caught_up(store, now):
    sweep = await sweep_of(FakeChain().mine(3))
    later, last = now + timedelta(minutes=1), now + timedelta(minutes=2)
    seen = []
    for behind, at in ((True, now), (False, later), (True, last)):
        said = replace(sweep, behind=behind)
        await store.transact(lambda conn, said=said, at=at: save(conn, CHAIN, said, at))
        progress = await store.transact(lambda conn: load(conn, CHAIN))
        seen.append((progress.polled_at, progress.caught_up_at))
    assert seen == [(now, None), (later, later), (last, later)]
