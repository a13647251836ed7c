"""The wallet behind a Monero source: lost, restarted, hanging, behind, another's; and which addresses it knows."""

import os
import shutil
import signal

import aiohttp
import pytest

from chains.errors import PersistentError, TransientError
from chains.monero.derive import deriving
from chains.monero.source import open_monero
from tests.support.chains_drivers import follow
from tests.support.monero_proxy import monero_proxy
from tests.support.monero_world import (
    PASSWORD,
    monero_world,
    reading,
    regtest,
    settings_of,
    told,
    watching,
)
from tests.support.monerod import NodeError, wallet_rpc
from tests.support.natures import FINALITY
from tests.support.programs import free_port, scratch

pytestmark = pytest.mark.xdist_group("chain monero")

FAR = 250
"""An index that no wallet knows by itself."""
SHORTLY = aiohttp.ClientTimeout(total=0.5)


@pytest.fixture
def world():
    running = monero_world()
    running.node.flush()
    return running


@pytest.fixture
def apart(world):
    """A monero-wallet-rpc that no other test uses."""
    with wallet_rpc(world.node.url) as rpc:
        yield rpc


@pytest.fixture
async def proxy(world):
    async with monero_proxy(world.wallet.url) as running:
        yield running


def far_away(world):
    """Return a subaddress that no wallet knows by itself, and no other test pays."""
    world.shown += FAR
    return world.fresh()


def found_by(rpc):
    """Return the addresses of ours that a wallet has seen payments to; those of other tests may be among them."""
    return {one["address"] for one in rpc.rpc("get_transfers", **{"in": True}).get("in", ())}


def files(rpc, name="usher"):
    return {path.name for path in (rpc.folder / "wallets").glob(f"{name}*")}


async def test_a_wallet_that_was_never_there_is_made_view_only_and_kept(world, apart):
    ours = world.fresh()
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        assert files(apart) == set()
        world.pay((ours, 7))
        assert told(await source.poll(checkpoint, watching(ours))) == [(7, 0)]
        assert {"usher", "usher.keys"} <= files(apart)
        with pytest.raises(NodeError, match="watch-only"):
            apart.key("spend_key")
    world.mine()


async def test_a_lost_wallet_is_made_anew_and_finds_every_watched_subaddress(world, apart):
    near, far = world.fresh(), far_away(world)
    watch = watching(near, far)
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        world.pay((near, 7), (far, 8))
        world.mine(2)
        before = await source.poll(checkpoint, watch)
        assert sorted(told(before)) == [(7, 2), (8, 2)]
        apart.rpc("close_wallet")
        apart.lose("usher")
        assert await source.poll(before.checkpoint, watch) == before
        world.mine(FINALITY)
        final, last = await follow(source, before.checkpoint, watch)
        assert (sorted(payment.amount for payment in final), last.gone) == ([7, 8], ())


async def test_a_wallet_that_is_told_of_addresses_too_late_would_miss_them(world, apart):
    """Negative control: what scans before it knows all addresses has passed by their payments."""
    far = far_away(world)
    world.pay((far, 8))
    world.mine()
    secrets = {"filename": "usher", "password": PASSWORD, "address": world.primary, "viewkey": world.view_key}
    apart.rpc("auto_refresh", enable=False)
    apart.rpc("generate_from_keys", **secrets, restore_height=world.node.height())
    apart.rpc("refresh")
    for count in (1, world.shown + FAR):
        apart.rpc("set_subaddress_lookahead", major_idx=1, minor_idx=count, password=PASSWORD)
    apart.rpc("refresh")
    assert far not in found_by(apart)
    apart.rpc("rescan_blockchain")
    assert far in found_by(apart)


async def test_so_a_wallet_that_somebody_else_restored_is_scanned_again(world, apart):
    far = far_away(world)
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        world.pay((far, 8))
        world.mine()
        secrets = {"filename": "usher", "password": PASSWORD, "address": world.primary, "viewkey": world.view_key}
        apart.rpc("generate_from_keys", **secrets, restore_height=world.node.height() - 1)
        apart.rpc("refresh")
        assert told(await source.poll(checkpoint, watching(far))) == [(8, 1)]


async def test_ordinary_growth_of_the_range_scans_nothing_again(world, apart):
    world.mine(FINALITY)  # what it will scan pays nobody: a payment widens what a wallet knows as well
    base = world.shown + FAR
    async with monero_proxy(apart.url) as proxy, reading(world, wallet=proxy.url, address_range=100) as source:
        checkpoint = await source.start()
        await source.poll(checkpoint, watching(world.keys.at(base)))
        proxy.asked.clear()
        for step in range(1, 6):
            await source.poll(checkpoint, watching(*map(world.keys.at, range(base, base + 100 * step))))
        assert "set_subaddress_lookahead" in proxy.asked
        assert "rescan_blockchain" not in proxy.asked


@pytest.fixture
def home():
    """A folder of wallets that outlives the program."""
    folder = scratch("monero-restart")
    yield folder
    shutil.rmtree(folder)


async def test_a_wallet_rpc_that_was_killed_and_started_again_is_opened_again(world, home):
    port, ours = free_port(), world.fresh()
    url = f"http://127.0.0.1:{port}"
    async with reading(world, wallet=url) as source:
        checkpoint = await source.start()
        with wallet_rpc(world.node.url, folder=home, port=port) as first:
            world.pay((ours, 7))
            world.mine()
            before = await source.poll(checkpoint, watching(ours))
            os.kill(first.process, signal.SIGKILL)
        with pytest.raises(TransientError, match="does not answer"):
            await source.poll(before.checkpoint, watching(ours))
        with wallet_rpc(world.node.url, folder=home, port=port):
            assert await source.poll(before.checkpoint, watching(ours)) == before


async def test_a_wallet_rpc_that_was_stopped_in_between_is_opened_again_without_a_failure(world, apart):
    ours = world.fresh()
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        before = await source.poll(checkpoint, watching(ours))
        apart.rpc("close_wallet")  # as if it had been restarted
        assert await source.poll(checkpoint, watching(ours)) == before
        world.mine()


@pytest.mark.parametrize("method", ["get_address", "get_address_index", "refresh", "get_height", "get_transfers"])
async def test_a_refusal_of_any_question_is_waited_out_and_stops_no_chain(world, proxy, method):
    """As when it is restarted between two questions: then no wallet is open, and nothing else is known of it."""
    ours = world.fresh()
    async with reading(world, wallet=proxy.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine()
        await source.poll(checkpoint, watching(ours))  # so that the wallet is open and knows the address
        code = -1 if method == "get_address" else -13
        proxy.refuse = {method: {"code": code, "message": "No wallet file"}}
        with pytest.raises(TransientError):
            await source.poll(checkpoint, watching(ours))
        proxy.refuse = {}
        assert told(await source.poll(checkpoint, watching(ours))) == [(7, 1)]


async def test_a_wallet_rpc_that_hangs_is_waited_for_and_nothing_is_lost(world, proxy):
    ours = world.fresh()
    async with reading(world, wallet=proxy.url, seconds=SHORTLY) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine()
        proxy.hangs = True
        with pytest.raises(TransientError, match="it may be scanning"):
            await source.poll(checkpoint, watching(ours))
    proxy.hangs = False
    async with reading(world, wallet=proxy.url) as source:
        assert told(await source.poll(checkpoint, watching(ours))) == [(7, 1)]


async def test_a_wallet_that_is_behind_what_we_have_read_is_waited_for(world, proxy):
    ours = world.fresh()
    async with reading(world, wallet=proxy.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(3)
        before = await source.poll(checkpoint, watching(ours))
        proxy.twist = lambda method, _params, result: (
            {"height": result["height"] - 1} if method == "get_height" else result
        )
        with pytest.raises(TransientError, match=f"scanned up to block {before.tip.height - 1}"):
            await source.poll(before.checkpoint, watching(ours))


async def test_blocks_that_the_wallet_has_not_scanned_are_not_read(world, proxy):
    ours = world.fresh()
    async with reading(world, wallet=proxy.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(FINALITY + 2)
        proxy.twist = lambda method, _params, result: (
            {"height": result["height"] - 4} if method == "get_height" else result
        )
        partly = await source.poll(checkpoint, watching(ours))
        assert partly.tip.height == world.node.height() - 4
        assert (partly.final, partly.behind) == ((), False)  # polling again at once would not help
        proxy.twist = lambda _method, _params, result: result
        assert [payment.amount for payment in (await source.poll(partly.checkpoint, watching(ours))).final] == [7]


async def test_a_wallet_that_saw_a_payment_in_another_block_is_asked_again(world, proxy):
    ours = world.fresh()

    def elsewhere(method, _params, result):
        if method == "get_transfers":
            return {"in": [{**one, "height": one["height"] - 1} for one in result.get("in", [])]}
        return result

    async with reading(world, wallet=proxy.url) as source:
        checkpoint = await source.start()
        world.mine()
        world.pay((ours, 7))
        world.mine()
        proxy.twist = elsewhere
        with pytest.raises(TransientError, match="where the wallet saw it"):
            await source.poll(checkpoint, watching(ours))


async def test_a_payment_that_the_wallet_told_of_too_late_is_told_of_as_soon_as_it_does(world, proxy):
    ours = world.fresh()
    async with reading(world, wallet=proxy.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(2)
        proxy.twist = lambda method, _params, result: {} if method == "get_transfers" else result
        silent = await source.poll(checkpoint, watching(ours))
        assert (silent.pending, silent.tip.height) == ((), world.node.height())
        proxy.twist = lambda _method, _params, result: result
        assert told(await source.poll(silent.checkpoint, watching(ours))) == [(7, 2)]


async def test_a_wallet_that_tells_no_more_of_a_payment_proves_nothing(world, proxy):
    ours = world.fresh()
    async with reading(world, wallet=proxy.url) as source:
        checkpoint = await source.start()
        world.pay((ours, 7))
        world.mine(2)
        before = await source.poll(checkpoint, watching(ours))
        proxy.twist = lambda method, _params, result: {} if method == "get_transfers" else result
        with pytest.raises(TransientError, match="tells no more of"):
            await source.poll(before.checkpoint, watching(ours))
        world.mine(FINALITY)
        with pytest.raises(TransientError):
            await source.poll(before.checkpoint, watching(ours))


async def test_a_wallet_of_another_address_stops_the_chain(world, apart):
    apart.create("another")
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        with pytest.raises(PersistentError, match="another primary address"):
            await source.poll(checkpoint, watching(world.fresh()))


async def test_a_wallet_of_another_view_key_stops_the_chain(world, apart):
    secrets = {"filename": "usher", "password": PASSWORD, "address": world.primary, "viewkey": "01" + "00" * 31}
    apart.rpc("generate_from_keys", **secrets, restore_height=0)
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        with pytest.raises(PersistentError, match="another view key"):
            await source.poll(checkpoint, watching(world.fresh()))


async def test_a_wrong_password_stops_the_chain_and_is_not_repeated(world, apart):
    secrets = {"filename": "usher", "password": "its own", "address": world.primary, "viewkey": world.view_key}
    apart.rpc("generate_from_keys", **secrets, restore_height=0)
    apart.rpc("close_wallet")
    async with reading(world, wallet=apart.url) as source:
        checkpoint = await source.start()
        with pytest.raises(PersistentError, match="another password") as stopped:
            await source.poll(checkpoint, watching(world.fresh()))
        assert PASSWORD not in str(stopped.value)


def test_a_view_key_that_is_not_the_addresss_is_refused_at_start_and_is_not_repeated(world):
    settings = settings_of(world)
    wrong = settings.model_copy(update={"receive": world.payer_address})
    with pytest.raises(PersistentError, match="view key is not that of the receiving address") as refused:
        open_monero(regtest(), wrong)
    assert world.view_key not in str(refused.value)
    with pytest.raises(PersistentError, match="no wallet"):
        open_monero(regtest(), settings.model_copy(update={"wallet": None}))


async def test_a_login_is_answered_by_digest_and_a_wrong_one_says_where_to_look(world):
    with wallet_rpc(world.node.url, login="usher:a secret") as rpc:
        ours, at = world.fresh(), rpc.url.removeprefix("http://")
        async with reading(world, wallet=f"http://usher:a%20secret@{at}") as source:
            checkpoint = await source.start()
            world.pay((ours, 7))
            assert told(await source.poll(checkpoint, watching(ours))) == [(7, 0)]
        async with reading(world, wallet=f"http://usher:guess@{at}") as source:
            with pytest.raises(TransientError, match="check the user and password") as refused:
                await source.poll(checkpoint, watching(ours))
            assert "guess" not in str(refused.value)
    world.mine()


def test_the_orders_addresses_are_those_that_the_wallet_makes(world, apart):
    secrets = {"filename": "usher", "password": "", "address": world.primary, "viewkey": world.view_key}
    apart.rpc("generate_from_keys", **secrets, restore_height=0)
    made = apart.rpc("create_address", account_index=0, count=64)
    [first, *_] = made["address_indices"]  # above all that were ever paid
    assert deriving(world.primary, world.view_key)(first - 1, 64) == made["addresses"]
