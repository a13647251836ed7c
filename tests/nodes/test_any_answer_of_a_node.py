"""Whatever a node answers, in whichever place, to whichever question: a source goes on, waits or stops its chain, and
raises nothing else; and no bent answer makes other money final than the node's true ones tell of.

A real node (Solana, Hive: the emulation) answers through a proxy. One value anywhere in its answers to one question is
replaced by another, question by question.
"""

import random
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import orjson
import pytest
from pydantic import SecretStr

from chains.catalogue import open_source
from chains.errors import PersistentError, TransientError
from chains.port import Watch
from tests.support.bending import places, replaced, without
from tests.support.chains_drivers import on_one_worker
from tests.support.lying_node import JSON, LyingNode, lying_node
from tests.support.monero_proxy import monero_proxy
from tests.support.natures import FINALITY
from tests.support.stage import Bill
from tests.support.stages import STAGES

pytestmark = pytest.mark.timeout(300)

CHAINS = [name for name in STAGES if name not in {"fake", "litecoin"}]  # Litecoin's questions are Bitcoin's
TIMES = 20
VALUES = [
    None, True, 0, -1, 1.5, 2**31, 2**53 + 1, 2**64 - 1, -(2**63), "", "0x", "0x-1", "zz", "ff" * 31, "\x00", "1" * 90,
    "\N{ARABIC-INDIC DIGIT THREE}", "9" * 5_000, "x" * 70_000, "2026-11-20T12:00:00", "1.000 HIVE",
    [], [[]], [None], {}, {"": {}}, [{"result": 5}],
]  # fmt: skip


@dataclass(slots=True)
class BendingNode(LyingNode):
    """Passes questions and refusals on as they are."""

    async def _answer(self, session, call):
        self.asked.append(call["method"])
        async with session.post(self.upstream, data=orjson.dumps(call), headers=JSON) as response:
            answer = orjson.loads(await response.read())
        if answer.get("error") is None:
            answer["result"] = self.twist(call["method"], call["params"], answer["result"])
        return answer


@asynccontextmanager
async def proxied(stage):
    """A proxy before the stage's node, and the settings that read through it."""
    [endpoint] = stage.settings.endpoints
    before = monero_proxy if stage.chain.family == "monero" else partial(lying_node, kind=BendingNode)
    async with before(endpoint.url.get_secret_value()) as proxy:
        yield proxy, stage.settings.model_copy(update={"endpoints": (through(proxy, endpoint),)})


@asynccontextmanager
async def wallet_proxied(stage):
    """The same before Monero's wallet."""
    wallet = stage.settings.wallet
    async with monero_proxy(wallet.endpoint.url.get_secret_value()) as proxy:
        changed = wallet.model_copy(update={"endpoint": through(proxy, wallet.endpoint)})
        yield proxy, stage.settings.model_copy(update={"wallet": changed})


def through(proxy, endpoint):
    """Return the endpoint at the proxy's address."""
    return endpoint.model_copy(update={"url": SecretStr(proxy.url)})


def bent(answer, drawn):
    """Return an answer with one value replaced or left out."""
    path, value = drawn.choice(list(places(answer))), drawn.choice(VALUES)
    if drawn.random() < 0.2 and path and isinstance(path[-1], str):
        return without(answer, path)
    return replaced(answer, path, value)


def bent_answer(question, drawn, asked, _params, result):
    return bent(result, drawn) if asked == question else result


async def read(stage, settings, checkpoint):
    """Return what a source that knows nothing tells from here on: what is final, and what waits."""
    source = open_source(stage.chain, settings)
    try:
        final = []
        for _ in range(4):
            sweep = await source.poll(checkpoint, Watch(active=frozenset({stage.settings.receive})))
            checkpoint, final = sweep.checkpoint, final + list(sweep.final)
            if not sweep.behind:
                return final, sweep.pending
        return final, ()
    finally:
        await source.aclose()


@pytest.mark.parametrize("name", on_one_worker(CHAINS))
async def test_a_source_goes_on_or_says_what_to_do_and_no_money_is_made_of_it(name, monkeypatch):
    await every_answer_is_bent(name, proxied, monkeypatch)


@pytest.mark.parametrize("name", on_one_worker(["monero"]))
async def test_so_it_is_with_what_moneros_wallet_answers(name, monkeypatch):
    await every_answer_is_bent(name, wallet_proxied, monkeypatch)


async def every_answer_is_bent(name, before, monkeypatch):
    monkeypatch.setattr("chains.failover.FIRST_PAUSE", 0.0)
    async with STAGES[name]() as stage, before(stage) as (proxy, settings):
        stage.mine(FINALITY + 2)  # what others have paid on a node that they share is final
        first = open_source(stage.chain, settings)
        checkpoint = await first.start()
        await first.aclose()
        stage.pay(Bill(to=stage.settings.receive, amount=10**6))
        stage.mine(FINALITY + 2)
        stage.pay(Bill(to=stage.settings.receive, amount=2 * 10**6))
        stage.mine()
        proxy.asked.clear()
        true_final, true_pending = await read(stage, settings, checkpoint)
        assert len(true_final) == len(true_pending) == 1
        may_be_final = {payment.key: payment.amount for payment in true_final}
        if stage.chain.finality.tag_only:  # what is final is such a node's own word, where there is no second one
            may_be_final |= {entry.payment.key: entry.payment.amount for entry in true_pending}
        questions = sorted(set(proxy.asked))
        outcomes = {"told": 0, "refused": 0}
        for question in questions:
            drawn = random.Random(zlib.crc32(f"{name} {question}".encode()))  # noqa: S311  the same every time
            for _ in range(TIMES):
                proxy.twist = partial(bent_answer, question, drawn)
                try:
                    final, _ = await read(stage, settings, checkpoint)
                except (TransientError, PersistentError):
                    outcomes["refused"] += 1
                else:
                    outcomes["told"] += 1
                    assert {payment.key for payment in final} <= may_be_final.keys(), question
                    assert all(payment.amount == may_be_final[payment.key] for payment in final), question
    assert len(questions) >= 3
    assert outcomes["refused"] > len(questions)
