"""Solana transactions: a batch of getTransaction as the source reads it, and whole blocks as `usher inspect` does."""

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import orjson
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.rpc.responses import GetBlockResp
from solders.transaction import VersionedTransaction

from bench.blocks.limits import UNIT, parsed_alone
from bench.contest import Contest, Peer
from bench.signatures.proof import MATCH
from chains.port import Watch
from chains.solana.inspection import skim
from chains.solana.ours import Ours
from chains.solana.parse import payments_in
from chains.solana.reader import TRANSACTIONS_PER_BATCH
from chains.solana.transaction import Executed, read
from tests.nodes.solana.ledger import Ledger
from tests.nodes.solana.node import Node
from tests.nodes.solana.rpc import answer
from tests.support.solana_node import Hands, hands, memo, solana_chain, wallet
from tests.support.vectors import FOLDER

VECTOR = FOLDER / "blocks" / "solana" / "block_v2.json"
OPTIONS = {"commitment": "confirmed", "encoding": "base64", "maxSupportedTransactionVersion": 0}


def contests() -> Iterator[Contest]:
    """Yield a contest for what pays us, and for blocks of strangers."""
    ledger = Ledger(finality=1)
    payer = hands(ledger)
    own = str(wallet(payer))
    yield _batch(ledger, payer, own)
    if VECTOR.exists():
        told = orjson.loads(VECTOR.read_bytes())
        yield _block("mainnet, parsed by the node", told.get("result", told))
    yield _block("emulation, base64", _full(ledger, payer))


def _batch(ledger: Ledger, payer: Hands, own: str) -> Contest:
    """Every transaction that is read names us, and its signature is checked."""
    ours = Ours.of(Watch(active=frozenset({own})), solana_chain())
    sent = [payer.send(payer.give(own, 1 + number), memo("o:ABC")) for number in range(TRANSACTIONS_PER_BATCH)]
    ledger.mine(3)
    told = [answer(Node(ledger), "getTransaction", [txid, OPTIONS]) for txid in sent]
    raw = orjson.dumps(told)
    transactions = [VersionedTransaction.from_bytes(b64decode(one["transaction"][0])) for one in told]
    signed = [(one.signatures[0], one.message.account_keys[0], to_bytes_versioned(one.message)) for one in transactions]

    def payments() -> None:
        for one in orjson.loads(raw):
            executed = read(one)
            assert isinstance(executed, Executed)
            [_] = payments_in(executed, ours, None)

    def verified() -> None:
        orjson.loads(raw)
        assert all(signature.verify(key, message) for signature, key, message in signed)

    return Contest(
        name=f"parse Solana, {len(sent)} transactions that pay us",
        ours=payments,
        peers=(
            Peer(name="orjson.loads", work=parsed_alone(raw)),
            Peer(name="orjson.loads and bare solders verify", work=verified),
        ),
        unit=UNIT,
        per_call=len(sent),
    )


def _block(name: str, told: Any) -> Contest:
    ours = Ours.of(Watch(active=frozenset({str(Keypair().pubkey())})), solana_chain())
    raw, count = orjson.dumps(told), len(told["transactions"])
    wrapped = orjson.dumps({"jsonrpc": "2.0", "id": 0, "result": told}).decode()

    def payments() -> None:
        assert skim(orjson.loads(raw)["transactions"], ours) == ([], 0)

    return Contest(
        name=f"parse Solana, {name}, {count} transactions",
        ours=payments,
        peers=(
            Peer(name="orjson.loads", work=parsed_alone(raw)),
            Peer(name="solders GetBlockResp", work=lambda: GetBlockResp.from_json(wrapped), aim=MATCH),
        ),
        unit=UNIT,
        per_call=count,
    )


def _full(ledger: Ledger, payer: Hands) -> Any:
    for number in range(200):
        payer.send(payer.give(Keypair().pubkey(), 10**6 + number), memo("for the coffee"))
    ledger.mine()
    return answer(Node(ledger), "getBlock", [ledger.tip.slot, {**OPTIONS, "transactionDetails": "full"}])
