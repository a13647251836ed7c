"""Wallets that were not written here pay us on the emulation, and its signatures and ours mean the same to them."""

import asyncio

import pytest

from chains.hive.memo import MemoKey
from chains.port import Watch
from tests.nodes.hive.chain import MAIN, Emulation
from tests.support.chains_drivers import follow
from tests.support.hive_node import hive_chain, hive_node, hive_source
from tests.support.npm_wallets import ScriptError, scripts

US = "usher-tickets"


@pytest.fixture(params=["hive:42000000000000000000000000000000", "hive:beeab0de000000000000000000000000"])
async def node(request):
    chain = Emulation(chain_id=MAIN) if "beeab0de" in request.param else Emulation()
    for name in ("alice", "bob.shop-1", US):
        chain.account(name, hive=10**6, hbd=10**6)
    chain.mine(20)  # hive-js refers to the block below the last irreversible one
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


def transfer(amount="1.000 HIVE", memo=""):
    return ["transfer", {"from": "alice", "to": US, "amount": amount, "memo": memo}]


@pytest.fixture(scope="module")
def payers():
    with scripts("hive/payers") as running:
        yield running


@pytest.fixture(params=["dhive", "hive-js"])
def javascript(request, payers, node):
    """Asks a library from npm, beside the loop that the node is served in."""

    async def ask(member, *given):
        return await asyncio.to_thread(payers.ask, request.param, member, given=given)

    return ask


async def send(javascript, node, role, *operations):
    return await javascript("send", node.url, node.chain.chain_id, node.chain.keys["alice"].wif(role), operations)


async def test_javascript_wallets_pay_and_name_the_transaction_as_the_chain_does(node, javascript):
    recurrent = ["recurrent_transfer", {**transfer("0.003 HBD", "o:3")[1], "recurrence": 24, "executions": 2,
                                        "extensions": []}]  # fmt: skip
    told = await send(javascript, node, "active", transfer(memo="o:1 äöü"), transfer("0.002 HBD", "o:2"), recurrent)
    assert told == node.chain.pool[0].txid
    assert await payments(node) == [
        (1000, "3054", ("o:1 äöü",)),
        (2, "000000013", ("o:2",)),
        (3, "000000013", ("o:3",)),
    ]


async def test_their_encrypted_memos_are_read_with_our_memo_key(node, javascript):
    keys = node.chain.keys
    memo = await javascript("encrypt", keys["alice"].wif("memo"), keys[US].public("memo"), "event:7:wallet:bob.shop-1")
    await send(javascript, node, "active", transfer(memo=memo))
    assert await payments(node) == [(1000, "3054", (memo,))]
    key = MemoKey.of(keys[US].wif("memo"))
    assert await payments(node, memo_key=key) == [(1000, "3054", ("event:7:wallet:bob.shop-1",))]


async def test_they_are_refused_in_words_they_pass_on(node, javascript):
    with pytest.raises(ScriptError, match="Missing Active Authority"):
        await send(javascript, node, "posting", transfer())
    with pytest.raises(ScriptError, match="sufficient funds"):
        await send(javascript, node, "active", transfer("99999.000 HIVE"))
    assert node.chain.pool == []


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
