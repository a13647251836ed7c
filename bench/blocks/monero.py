"""Monero: what a view-only wallet tells of its transfers. It finds them itself; every one is a payment."""

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from bench.blocks.limits import UNIT, parsed_alone
from bench.contest import Contest, Peer
from chains.blocks import Link
from chains.monero.parse import Ours, Told, check_transfers, payments_in
from chains.monero.reader import by_height
from chains.port import Watch
from config.loader import load_registry
from tests.support.verifier_signers import MoneroKeys

BLOCKS, PER_BLOCK = 20, 25


def contests() -> Iterator[Contest]:
    """Yield one contest."""
    addresses = {minor: _address(minor) for minor in range(PER_BLOCK)}
    ours = Ours(
        chain=load_registry().chains["monero:regtest"],
        watch=Watch(active=frozenset(addresses.values())),
        addresses=addresses,
    )
    entries = [_entry(height, minor, addresses[minor]) for height in range(1, 1 + BLOCKS) for minor in addresses]
    raw = orjson.dumps({"in": entries})

    def payments() -> None:
        told = check_transfers(orjson.loads(raw))
        assert isinstance(told, Told), told
        blocks = by_height(told.arrived)
        links = (Link(height=height, hash="ab" * 32, parent="", time=1_795_191_717) for height in blocks)
        found = sum(len(payments_in(link, blocks[link.height], ours)) for link in links)
        assert found == len(entries)

    yield Contest(
        name=f"parse Monero, a wallet's {len(entries)} transfers",
        ours=payments,
        peers=(Peer(name="orjson.loads", work=parsed_alone(raw)),),
        unit=UNIT,
        per_call=len(entries),
    )


def _address(minor: int) -> str:
    keys = MoneroKeys(spend=7**40, view=11**30)
    return (keys.subaddress(0, minor) if minor else keys).account.address


def _entry(height: int, minor: int, address: str) -> dict[str, Any]:
    """What get_transfers tells of one transfer."""
    index = {"major": 0, "minor": minor}
    return {
        "address": address,
        "amount": 10**12,
        "amounts": [10**12],
        "confirmations": 12,
        "double_spend_seen": False,
        "fee": 30_720_000,
        "height": height,
        "locked": False,
        "note": "",
        "payment_id": "0" * 16,
        "subaddr_index": index,
        "subaddr_indices": [index],
        "suggested_confirmations_threshold": 1,
        "timestamp": 1_795_191_717,
        "txid": hashlib.sha256(b"%d %d" % (height, minor)).hexdigest(),
        "type": "in",
        "unlock_time": 0,
    }
