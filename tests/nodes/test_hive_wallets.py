"""Wallets that were not written here pay us on the emulation, and its signatures and ours mean the same to them."""

import asyncio

import pytest

from chains.hive.memo import MemoKey
from chains.port import Watch
from tests.nodes.hive.chain import MAIN, Emulation
from tests.support.chains_drivers import follow
from tests.support.hive_node import hive_chain, hive_node, hive_source

US = "usher-tickets"


@pytest.fixture(params=["hive:42000000000000000000000000000000", "hive:beeab0de000000000000000000000000"])
async def node(request):
    chain = Emulation(chain_id=MAIN) if "beeab0de" in request.param else Emulation()
    for name in ("alice", "bob.shop-1", US):
        chain.account(name, hive=10**6, hbd=10**6)
    chain.mine(3)
    async with hive_node(chain) as running:
        running.registered = hive_chain(request.param)
        yield running


@pytest.fixture
def beem(monkeypatch, tmp_path, node):
    """Runs work with beem in a thread, in a home of its own: it writes there on import."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def with_keys(work, name="alice"):
        from beem import Hive  # noqa: PLC0415  it makes files where HOME says when it is first used
        from beem.account import Account  # noqa: PLC0415
        from beemstorage import InRamConfigurationStore  # noqa: PLC0415

        keys = [node.chain.keys[name].wif(role) for role in ("active", "posting", "memo")]
        hive = Hive(node=[node.url], keys=keys, config_store=InRamConfigurationStore(), num_retries=1)
        return work(Account(name, blockchain_instance=hive))

    async def run(work, name="alice"):
        return await asyncio.to_thread(with_keys, work, name)

    return run


async def payments(node, *, memo_key=None):
    node.chain.mine(20)
    source = hive_source(node.registered, node.url, memo_key=memo_key)
    found, _ = await follow(source, await source.start(1), Watch(active=frozenset({US})))
    await source.aclose()
    return [(payment.amount, payment.asset.rpartition(":")[2], payment.memos) for payment in found]


async def test_beem_finds_out_which_chain_it_is_and_pays(node, beem):
    def pay(alice):
        assert alice.blockchain.chain_params["chain_id"] == node.chain.chain_id
        return [alice.transfer(US, 1.5, "HIVE", "o:1"), alice.transfer(US, 0.25, "HBD", "o:2")]

    sent = await beem(pay)
    assert [one["trx_id"] for one in sent] == [one.txid for one in node.chain.pool]
    assert await payments(node) == [(1500, "3054", ("o:1",)), (250, "000000013", ("o:2",))]


async def test_beems_encrypted_memo_is_read_with_our_memo_key(node, beem):
    await beem(lambda alice: alice.transfer(US, 1, "HIVE", "#event:7:wallet:bob.shop-1"))
    [(_, _, (shut,))] = await payments(node)
    key = MemoKey.of(node.chain.keys[US].wif("memo"))
    assert shut.startswith("#")
    assert await payments(node, memo_key=key) == [(1000, "3054", ("event:7:wallet:bob.shop-1",))]


async def test_beem_sees_balances_history_and_savings(node, beem):
    def live(alice):
        alice.transfer("bob.shop-1", 2, "HIVE", "rent")
        alice.transfer_to_savings(1, "HBD", "for later", to="bob.shop-1")

    await beem(live)
    node.chain.mine()
    assert await payments(node) == []

    def look(bob):
        last = [entry["type"] for entry in bob.history()]
        return str(bob.balances["available"][0]), str(bob.balances["savings"][1]), last

    available, saved, last = await beem(look, "bob.shop-1")
    assert (available, saved) == ("1002.000 HIVE", "1.000 HBD")
    assert last == ["transfer", "transfer_to_savings"]  # beem passes over the entry 0, the account's making


async def test_beem_understands_why_a_key_that_is_not_the_accounts_is_refused(node, beem):
    def steal(alice):
        from beem.transactionbuilder import TransactionBuilder  # noqa: PLC0415  as above
        from beembase.operations import Transfer  # noqa: PLC0415

        stolen = TransactionBuilder(blockchain_instance=alice.blockchain)
        stolen.appendOps(Transfer({"from": "bob.shop-1", "to": US, "amount": "1.000 HIVE", "memo": ""}))
        stolen.appendWif(node.chain.keys["alice"].wif("active"))
        try:
            stolen.broadcast()
        except Exception as error:  # noqa: BLE001  its name is what is asked for
            return type(error).__name__
        return None

    assert await beem(steal) == "MissingRequiredActiveAuthority"
    assert node.chain.pool == []
