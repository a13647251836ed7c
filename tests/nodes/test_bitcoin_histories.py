"""Invariant: whatever a chain and its pool went through, what is final in the till is what stands on the chain, once.

Along the way nothing is called gone that the chain still shows, and nothing that was told of is forgotten, though of
what spends one coin only the newest is told. The seed is in the test's name; USHER_SEED pins it.
"""

import pytest

from chains.bitcoin.pool import read
from chains.port import Watch
from monitor.changes import changes, replay
from tests.support.bitcoind import NodeError
from tests.support.chains_drivers import follow
from tests.support.driver_bitcoin import bitcoin_chain, bitcoin_source, shared_bitcoind
from tests.support.monitor_history import dice, seeds
from tickets.till import PaymentState

FINALITY = 4
STEPS = 40


class History:
    """Random things that happen to a node, payers among them."""

    def __init__(self, node, seed):
        self.node = node
        self.random = dice(seed)
        self.ours = [node.address(kind) for kind in ("bech32", "bech32m", "legacy")]
        self.others = node.address()
        self.paid = []  # ids of transactions, whatever became of them
        self.raw = {}

    def step(self):
        self.random.choices(
            (self.pay, self.mine, self.respend, self.reorg, self.forget, self.send_again, self.pay_by_coinbase),
            weights=(30, 30, 15, 8, 2, 10, 5),
        )[0]()

    def pay(self):
        outputs = [(self.random.choice(self.ours), self.random.randrange(1_000, 9_000)) for _ in range(2)]
        self._keep(self.node.pay((self.others, 5_000), *outputs))

    def mine(self):
        self.node.mine(self.random.choice((1, 1, 2)))

    def respend(self):
        """Spend what a payment spent: the pool may refuse that, a miner need not."""
        if self.paid:
            raw = self.node.respend(self.random.choice(self.paid), (self.random.choice(self.ours), 2_000), fee=50_000)
            self._try(self.node.mine_only if self.random.random() < 0.5 else self.node.send, raw)

    def reorg(self):
        depth = self.random.randrange(1, FINALITY)
        self.node.undo(depth)
        for _ in range(depth):
            self.node.mine_only()

    def forget(self):
        self.node.stop()
        self.node.start()

    def send_again(self):
        if self.paid:
            self._try(self.node.send, self.raw[self.random.choice(self.paid)])

    def pay_by_coinbase(self):
        self.node.mine(1, to=self.random.choice(self.ours))

    def _keep(self, txid):
        self.paid.append(txid)
        self.raw[txid] = self.node.raw(txid)

    def _try(self, way, raw):
        try:
            way(raw)
        except NodeError:
            return

    def on_chain(self, first):
        """Return what the chain pays us from a height on, by the node's own word."""
        found = {}
        for height in range(first, self.node.height + 1):
            for one in self.node.rpc("getblock", self.node.rpc("getblockhash", height), 2)["tx"]:
                for output in one["vout"]:
                    if output["scriptPubKey"].get("address") in self.ours:
                        found[one["txid"], str(output["n"])] = (round(output["value"] * 10**8), height)
        return found


@pytest.mark.parametrize("seed", seeds(3))
async def test_what_is_final_is_what_the_chain_holds(seed, now):
    node = shared_bitcoind()
    node.mine(FINALITY)
    history = History(node, seed)
    chain = bitcoin_chain(blocks=FINALITY)
    source = bitcoin_source(chain, node.url)
    watch = Watch(active=frozenset(history.ours))
    begin = node.height
    start = checkpoint = await source.start(begin)
    records = {}

    def take(sweep):
        records.update(replay(records, [changes(records, sweep, now)]))
        told = {entry.payment.key for entry in sweep.pending}
        outbid = {payment.key for one in read(sweep.checkpoint, chain.id).waiting for payment in one.payments}
        assert told | outbid >= {key for key, record in records.items() if record.state is PaymentState.PENDING}
        standing = history.on_chain(begin)
        assert not [key for key in sweep.gone if (key.txid, key.index) in standing and key not in told]

    for _ in range(STEPS):
        history.step()
        if history.random.random() < 0.7:
            sweep = await source.poll(checkpoint, watch)
            take(sweep)
            checkpoint = sweep.checkpoint
    node.mine(100 + FINALITY)  # every coinbase is mature by then
    while True:
        sweep = await source.poll(checkpoint, watch)
        take(sweep)
        checkpoint = sweep.checkpoint
        if not sweep.behind:
            break
    final = {key: record for key, record in records.items() if record.state is PaymentState.FINAL}
    expected = history.on_chain(begin)
    assert {(key.txid, key.index): (record.amount, record.height) for key, record in final.items()} == expected
    assert len(expected) > 5
    waiting = {entry.payment.key.txid for entry in sweep.pending}
    assert not waiting & {txid for txid, _ in expected}
    at_once, _ = await follow(source, start, watch)
    assert {payment.key for payment in at_once} == set(final)
    await source.aclose()
