"""Which keys open the door for a Hive account, asked of nodes over HTTP: what they say, and what they would cost."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chains.account import Account
from chains.accounts import account_of
from chains.hive.keys import public_key
from chains.hive.lookup import Bounds, HiveLookup, open_hive_lookup
from chains.rpc import Trouble
from config.registry import Network
from config.settings import ChainSettings
from tests.nodes.hive.chain import Emulation
from tests.support.hive_node import CHAIN, hive_node
from verifier.hive import judged
from verifier.port import KeyAuthorities
from verifier.verdict import Inconclusive, Invalid, Valid


def account(name="alice"):
    made = account_of(f"@{name}", network=Network.TEST)
    assert isinstance(made, Account)
    return made


def authority(keys, threshold=1, accounts=()):
    return {"weight_threshold": threshold, "account_auths": sorted(accounts), "key_auths": sorted(keys)}


@pytest.fixture
def chain():
    made = Emulation()
    for name in ("alice", "bob"):
        made.account(name, hive=10**6)
    made.mine(3)
    return made


@pytest.fixture
async def nodes(chain):
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(hive_node(chain)) for _ in range(2)]


def now(chain):
    """The moment of the newest block: no node lags."""
    return lambda: datetime.fromtimestamp(chain.head.time, UTC)


@pytest.fixture
async def looking(chain):
    """Makes lookups over nodes, by their URLs."""
    async with AsyncExitStack() as stack:

        def make(*nodes, **options):
            options.setdefault("clock", now(chain))
            lookup = HiveLookup({CHAIN: [node.url for node in nodes]}, **options)
            stack.push_async_callback(lookup.aclose)
            return lookup

        yield make


def key(chain, name, role):
    return public_key(chain.keys[name].public(role))


async def test_the_posting_and_active_keys_are_told_with_their_weights_and_threshold(chain, nodes, looking):
    keys = [[chain.keys["alice"].public("active"), 2], [chain.keys["bob"].public("active"), 1]]
    chain.send("alice", ["account_update", {"account": "alice", "active": authority(keys, threshold=3),
                         "memo_key": chain.keys["alice"].public("memo"), "json_metadata": ""}])  # fmt: skip
    chain.mine()
    found = await looking(*nodes).key_authorities(account())
    assert found.active.threshold == 3
    assert dict(found.active.keys) == {key(chain, "alice", "active"): 2, key(chain, "bob", "active"): 1}
    assert dict(found.posting.keys) == {key(chain, "alice", "posting"): 1}


async def test_accounts_that_may_act_for_it_and_owner_and_memo_keys_are_not_among_them(chain, nodes, looking):
    held = authority([[chain.keys["alice"].public("posting"), 1]], accounts=[["bob", 1]])
    chain.send("alice", ["account_update", {"account": "alice", "posting": held,
                         "memo_key": chain.keys["alice"].public("memo"), "json_metadata": ""}])  # fmt: skip
    chain.mine()
    found = await looking(*nodes).key_authorities(account())
    for name, role in (("bob", "posting"), ("bob", "active"), ("alice", "owner"), ("alice", "memo")):
        assert isinstance(judged(account(), {key(chain, name, role)}, found), Invalid)
    assert isinstance(judged(account(), {key(chain, "alice", "posting")}, found), Valid)


async def test_an_account_that_is_not_there_is_invalid(nodes, looking):
    assert isinstance(await looking(*nodes).key_authorities(account("nobody-at-all")), Invalid)


async def test_a_chain_without_endpoints_is_inconclusive_for_good(looking):
    elsewhere = replace(account(), chain="hive:beeab0de000000000000000000000000")
    answer = await looking().key_authorities(elsewhere)
    assert isinstance(answer, Inconclusive)
    assert not answer.passing


# --- kept for seconds only --------------------------------------------------------------------------------------


async def test_an_answer_is_kept_for_some_seconds(nodes, looking):
    lookup = looking(nodes[0])
    first = await lookup.key_authorities(account())
    requests = nodes[0].requests
    assert await lookup.key_authorities(account()) == first
    assert nodes[0].requests == requests


async def test_a_key_that_was_changed_is_known_as_soon_as_the_answer_is_old(chain, nodes, looking):
    lookup = looking(nodes[0], bounds=Bounds(kept=0.0))
    assert key(chain, "alice", "posting") in (await lookup.key_authorities(account())).posting.keys
    new = chain.keys["bob"].public("posting")
    chain.send("alice", ["account_update", {"account": "alice", "posting": authority([[new, 1]]),
                         "memo_key": chain.keys["alice"].public("memo"), "json_metadata": ""}])  # fmt: skip
    chain.mine()
    found = await lookup.key_authorities(account())
    assert set(found.posting.keys) == {public_key(new)}


def test_answers_are_never_kept_longer_than_five_seconds():
    assert Bounds().kept <= 5


async def test_what_could_not_be_found_out_is_asked_again(nodes, looking):
    lookup = looking(nodes[0])
    nodes[0].status = 500
    assert isinstance(await lookup.key_authorities(account()), Inconclusive)
    nodes[0].status = 200
    assert isinstance(await lookup.key_authorities(account()), KeyAuthorities)


# --- nodes that are of no use -----------------------------------------------------------------------------------


def of_accounts(change):
    def twist(method, _params, result):
        return change(result) if method == "database_api.find_accounts" else result

    return twist


def with_posting(posting):
    return of_accounts(lambda result: {"accounts": [{**result["accounts"][0], "posting": posting}]})


def of(name, change):
    return lambda method, _params, result: {**result, **change} if method == f"database_api.{name}" else result


FAULTS = {
    "dead": {"dead": True},
    "garbage": {"garbage": b"?"},
    "server error": {"status": 500},
    "a long answer": {"garbage": b"[" + b" " * 2**20 + b"]"},
    "another chain": {"twist": of("get_version", {"chain_id": "18" * 32})},
    "no database API": {"without": {"database_api"}},
    "it lags": {"twist": of("get_dynamic_global_properties", {"time": "2026-11-20T11:59:00"})},
    "no time": {"twist": of("get_dynamic_global_properties", {"time": None})},
    "another account": {"twist": of_accounts(lambda result: {"accounts": [{**result["accounts"][0], "name": "bob"}]})},
    "two accounts": {"twist": of_accounts(lambda result: {"accounts": result["accounts"] * 2})},
    "no list": {"twist": of_accounts(lambda _result: {"accounts": 7})},
    "nothing": {"twist": of_accounts(lambda _result: None)},
    "no authority": {"twist": with_posting(None)},
    "a key that is none": {"twist": with_posting(authority([["STMx", 1]]))},
    "a weight below nothing": {"twist": with_posting(authority([], threshold=-1))},
    "a weight that is a text": {"twist": with_posting({**authority([]), "weight_threshold": "1"})},
}  # fmt: skip


def break_(node, fault):
    for name, value in FAULTS[fault].items():
        setattr(node, name, value)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_node_that_is_no_use_is_replaced_by_the_next(chain, nodes, looking, fault):
    break_(nodes[0], fault)
    found = await looking(*nodes).key_authorities(account())
    assert set(found.posting.keys) == {key(chain, "alice", "posting")}


async def test_one_of_two_nodes_that_names_another_key_lets_nobody_in(chain, nodes, looking):
    hers = key(chain, "alice", "posting")
    stranger = public_key(chain.keys["bob"].public("posting"))
    break_to(nodes[0], chain.keys["bob"].public("posting"))
    answer = await looking(*nodes).key_authorities(account())
    assert isinstance(answer, Inconclusive)
    assert answer.passing
    believed = await looking(nodes[0]).key_authorities(account())  # the control: nobody else is asked
    assert stranger in believed.posting.keys
    assert hers not in believed.posting.keys


def break_to(node, public):
    node.twist = with_posting(authority([[public, 1]]))


@pytest.mark.parametrize("fault", FAULTS)
async def test_alone_it_leaves_the_question_open_and_names_no_address(nodes, looking, fault):
    break_(nodes[0], fault)
    answer = await looking(nodes[0]).key_authorities(account())
    assert isinstance(answer, Inconclusive)
    assert answer.passing
    assert "127.0.0.1" not in answer.reason


async def test_control_without_a_look_at_its_newest_block_a_node_that_lags_lets_an_old_key_in(chain, nodes, looking):
    nodes[0].stay()
    new = chain.keys["bob"].public("posting")
    chain.send("alice", ["account_update", {"account": "alice", "posting": authority([[new, 1]]),
                         "memo_key": chain.keys["alice"].public("memo"), "json_metadata": ""}])  # fmt: skip
    chain.pass_time(timedelta(minutes=10))
    chain.mine()
    assert isinstance(await looking(nodes[0]).key_authorities(account()), Inconclusive)
    careless = looking(nodes[0], bounds=Bounds(late=timedelta(days=1)))
    assert key(chain, "alice", "posting") in (await careless.key_authorities(account())).posting.keys


# --- bounds -------------------------------------------------------------------------------------------------------


async def test_a_node_that_never_answers_costs_its_share_of_the_time(chain, nodes, looking):
    nodes[0].hangs = True
    lookup = looking(*nodes, bounds=Bounds(seconds=2.0))
    assert isinstance(await lookup.key_authorities(account()), KeyAuthorities)
    alone = looking(nodes[0], bounds=Bounds(seconds=0.1))
    assert isinstance(await alone.key_authorities(account()), Inconclusive)


async def test_a_node_that_failed_is_asked_last_from_then_on(nodes, looking):
    spoken = []
    lookup = looking(*nodes, bounds=Bounds(kept=0.0), observer=spoken.append)
    nodes[0].dead = True
    await lookup.key_authorities(account())
    await lookup.key_authorities(account("bob"))
    told = [(one.endpoint, one.trouble) for one in spoken]
    assert told == [(0, Trouble.UNREACHABLE), (1, None), (1, None), (0, Trouble.UNREACHABLE)]


async def test_only_so_many_questions_are_under_way_at_once(nodes, looking):
    lookup = looking(nodes[0], bounds=Bounds(seconds=0.1, in_flight=2))
    places = lookup._pools[CHAIN].places
    for _ in range(2):  # as two questions do that are not answered yet
        await places.acquire()
    answer = await lookup.key_authorities(account())
    assert "under way" in answer.reason
    assert nodes[0].requests == 0
    places.release()
    patient = looking(nodes[0], bounds=Bounds(in_flight=1))
    answers = await asyncio.gather(*(patient.key_authorities(account(name)) for name in ("alice", "bob")))
    assert all(isinstance(answer, KeyAuthorities) for answer in answers)


async def test_a_crowd_that_asks_about_one_account_is_one_question(nodes, looking):
    """As signatures that are no good do, which a stranger sends for the name of somebody with a ticket."""
    lookup = looking(nodes[0])
    answers = await asyncio.gather(*(lookup.key_authorities(account()) for _ in range(100)))
    assert len({id(answer) for answer in answers}) == 1
    assert nodes[0].asked.count("database_api.find_accounts") == 1


async def test_a_crowd_before_a_node_that_never_answers_takes_no_places_from_others(nodes, looking):
    lookup = looking(*nodes, bounds=Bounds(seconds=2.0, in_flight=2))
    nodes[0].hangs = True
    crowd = [asyncio.create_task(lookup.key_authorities(account())) for _ in range(20)]
    await nodes[0].held.wait()
    assert isinstance(await lookup.key_authorities(account("bob")), KeyAuthorities)
    assert all(isinstance(answer, KeyAuthorities) for answer in await asyncio.gather(*crowd))


async def test_what_is_remembered_is_bounded(nodes, looking, monkeypatch):
    monkeypatch.setattr("chains.hive.lookup.MOST_KEPT", 1)
    lookup = looking(nodes[0])
    for name in ("alice", "bob", "bob"):
        assert isinstance(await lookup.key_authorities(account(name)), KeyAuthorities)
    requests = nodes[0].requests
    await lookup.key_authorities(account("alice"))
    assert nodes[0].requests == requests


async def test_it_is_opened_for_the_hive_chains_of_the_settings_alone(chain, nodes):
    settings = ChainSettings(endpoints=(nodes[0].url,), receive="usher-tickets")
    lookup = open_hive_lookup({CHAIN: settings, "eip155:1": settings}, clock=now(chain))
    assert isinstance(await lookup.key_authorities(account()), KeyAuthorities)
    assert isinstance(await lookup.key_authorities(replace(account(), chain="eip155:1")), Inconclusive)
    await lookup.aclose()
    await lookup.aclose()
