"""Bitcoin blocks as getblock 0 sends them, in hex: block 200,000 from the shared vectors, and one of today's size."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence

from bench.blocks.limits import UNIT, WATCHED, parsed_alone
from bench.contest import Contest, Peer
from bench.signatures.proof import MATCH
from chains.bitcoin.block import CheckedBlock, Touching, check_block, merkle_root
from chains.bitcoin.ours import Ours
from chains.bitcoin.parse import payments_in
from config import bitcoinlib_home
from config.loader import load_registry
from tests.support.bitcoin_blocks import block, coinbase, hashed, payment, witnessed
from tests.support.vectors import FOLDER
from tests.support.verifier_bitcoin import address_of, to_witness_key_hash

MAINNET = "bip122:000000000019d6689c085ae165831e93"
VECTOR = FOLDER / "blocks" / "bitcoin" / "getblock_verbosity2_200000.json"
TODAY = 3_000
"""Transactions of a full block, two inputs and two outputs each."""


def contests() -> Iterator[Contest]:
    """Yield a contest per block."""
    scripts = [to_witness_key_hash(b"watched %d" % number) for number in range(WATCHED)]
    ours = Ours.of((address_of(script) for script in scripts), load_registry().chains[MAINNET])
    if VECTOR.exists():
        written = VECTOR.read_bytes()
        told = json.loads(written)
        told = told.get("result", told)
        transactions = [bytes.fromhex(one["hex"]) for one in told["tx"]]
        yield _contest("mainnet 200000", _header(told) + _joined(transactions), transactions, ours, decoded=written)
    bare = [payment(*_outputs(n), spends=[("ab" * 32, n), ("cd" * 32, n)]) for n in range(TODAY)]
    signed = [witnessed(one, *[[b"s" * 72, b"k" * 33]] * 2) for one in bare]
    first = coinbase((to_witness_key_hash(b"a miner"), 1))
    raw = block(first, *signed, ids=[hashed(one) for one in (first, *bare)])
    yield _contest("synthetic with witnesses", raw, [first, *bare], ours)


def _contest(name: str, raw: bytes, hashed_ones: Sequence[bytes], ours: Ours, decoded: bytes | None = None) -> Contest:
    """`hashed_ones`: what the ids of its transactions are hashed of; `decoded`: the same block as getblock 2 tells."""
    written = raw.hex()
    peers = [
        Peer(name="hex decoding alone", work=lambda: bytes.fromhex(written)),
        Peer(name="hex decoding and hashing alone", work=lambda: _hashed(bytes.fromhex(written), hashed_ones)),
    ]
    if decoded is not None:
        peers.append(Peer(name="json.loads of getblock 2", work=lambda: json.loads(decoded), aim=MATCH))
        peers.append(Peer(name="orjson.loads of getblock 2", work=parsed_alone(decoded)))
    peers.append(Peer(name="bitcoinlib", work=_bitcoinlib(written), aim=MATCH))
    return Contest(
        name=f"parse Bitcoin, {name}, {len(hashed_ones)} transactions",
        ours=lambda: _payments(written, ours),
        peers=peers,
        unit=UNIT,
        per_call=len(hashed_ones),
    )


def _payments(written: str, ours: Ours) -> None:
    """Do to a block what the reader does to each: check it under its root, find what pays us."""
    found = check_block(bytes.fromhex(written), Touching(scripts=ours.scripts.keys()), height=200_000)
    assert isinstance(found, CheckedBlock), found
    assert payments_in(found, {}, ours) == ()


def _hashed(_raw: bytes, transactions: Sequence[bytes]) -> None:
    """No block is checked with less than this: every transaction hashed twice, and the tree over them."""
    sha256 = hashlib.sha256
    merkle_root([sha256(sha256(one).digest()).digest() for one in transactions])


def _bitcoinlib(written: str) -> Callable[[], object]:
    bitcoinlib_home.prepare()
    from bitcoinlib.blocks import Block  # noqa: PLC0415  it writes to a folder as soon as it is imported

    return lambda: Block.parse(bytes.fromhex(written), parse_transactions=True)


def _outputs(number: int) -> list[tuple[bytes, int]]:
    return [(to_witness_key_hash(b"payee %d %d" % (number, place)), 1_000) for place in range(2)]


def _header(told: dict) -> bytes:
    return b"".join(
        (
            told["version"].to_bytes(4, "little", signed=True),
            bytes.fromhex(told["previousblockhash"])[::-1],
            bytes.fromhex(told["merkleroot"])[::-1],
            told["time"].to_bytes(4, "little"),
            bytes.fromhex(told["bits"])[::-1],
            told["nonce"].to_bytes(4, "little"),
        )
    )


def _joined(transactions: Sequence[bytes]) -> bytes:
    return b"\xfd" + len(transactions).to_bytes(2, "little") + b"".join(transactions)
