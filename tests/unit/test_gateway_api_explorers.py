"""Where a page sends people who want to look a payment up."""

from types import SimpleNamespace

import pytest

from chains.port import Note, PaymentKey
from config.loader import load_registry
from config.registry import Network
from gateway.api.bill import Desk
from gateway.api.order_view import payment_seen
from tickets.till import PaymentRecord, PaymentState

REGISTRY = load_registry()
DESK = Desk(registry=REGISTRY, settings=SimpleNamespace(network=Network.MAIN))
CASES = {
    "an EVM transaction": ("eip155:1", "0x" + "ab" * 32, "https://etherscan.io/tx/0x" + "ab" * 32),
    "value inside an EVM call": ("eip155:1", f"0x{'ab' * 32}:0x{'cd' * 20}", "https://etherscan.io/address/Ours"),
    "a Bitcoin transaction": (
        "bip122:000000000019d6689c085ae165831e93",
        "ab" * 32,
        "https://mempool.space/tx/" + "ab" * 32,
    ),
    "a Hive transaction": ("hive:beeab0de000000000000000000000000", "ab" * 20, "https://hivehub.dev/tx/" + "ab" * 20),
    "a Hive virtual operation": ("hive:beeab0de000000000000000000000000", "v91234567", "https://hivehub.dev/@Ours"),
    "a Solana signature": (
        "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        "5" * 88,
        "https://explorer.solana.com/tx/" + "5" * 88,
    ),
    "a chain without an explorer": ("eip155:31337", "0x" + "ab" * 32, None),
}


def received(chain, txid, now):
    return PaymentRecord(
        key=PaymentKey(chain=chain, txid=txid, index="0"),
        asset=REGISTRY.chains[chain].native.id,
        amount=1,
        destination="Ours",
        sender=None,
        direct=False,
        memos=(),
        internal=False,
        state=PaymentState.FINAL,
        confirmations=1,
        height=1,
        block_hash="00",
        block_time=now,
        first_seen=now,
    )


@pytest.mark.parametrize(("chain", "txid", "page"), CASES.values(), ids=CASES)
def test_a_payment_is_looked_up_where_it_can_be_found(chain, txid, page, now):
    assert payment_seen(received(chain, txid, now), DESK).explorer_url == page


def test_what_a_trace_named_is_looked_up_by_its_own_link_and_once(now):
    txid, key = "0x" + "12" * 32, CASES["value inside an EVM call"][1]
    told = [Note(txid=txid, sender="0x01"), Note(txid=txid, sender="0x02")]
    seen = payment_seen(received("eip155:1", key, now), DESK, told)
    assert [(one.txid, one.explorer_url) for one in seen.noted] == [(txid, f"https://etherscan.io/tx/{txid}")]
    assert seen.explorer_url == "https://etherscan.io/address/Ours"  # beyond doubt, as a trace is not
