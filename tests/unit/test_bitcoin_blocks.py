"""Raw blocks and transactions: what is read out of them, and which are not believed."""

import pytest

from chains.bitcoin import block as bitcoin_block
from chains.bitcoin.block import Touching, check_block, check_header, merkle_root
from chains.bitcoin.inspection import _raw
from chains.bitcoin.transaction import NO_OUTPOINT, Transaction, outpoint, read_transaction
from chains.bitcoin.work import unproved
from chains.distrust import Distrusted
from tests.support.bitcoin_blocks import block, coinbase, hashed, name_of, payment, root_of, witnessed
from tests.support.vectors import vectors

OURS, THEIRS = b"\x00\x14" + b"\x11" * 20, b"\x00\x14" + b"\x22" * 20
MAIN = "bip122:000000000019d6689c085ae165831e93"
REGTEST = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
LITECOIN = "bip122:12a765e31ffd4059bada1e25190f6e98"


def checked(raw, *, scripts=(OURS,), outpoints=()):
    return check_block(raw, Touching(scripts=set(scripts), outpoints=set(outpoints)), height=7, digest=name_of(raw))


def refusal(raw, **more):
    found = checked(raw, **more)
    assert isinstance(found, Distrusted), found
    return found.reason


@pytest.mark.parametrize("height", [200_000, 91_880])
def test_blocks_of_the_main_network_hash_to_their_name_by_their_header_and_to_their_root_by_their_bytes(height):
    told = vectors(f"blocks/bitcoin/getblock_verbosity2_{height}.json")
    raw = _raw(told)
    scripts = {bytes.fromhex(output["scriptPubKey"]["hex"]) for one in told["tx"] for output in one["vout"]}
    found = check_block(raw, Touching(scripts=scripts), height=height, digest=told["hash"])
    assert (found.link.parent, found.link.time) == (told["previousblockhash"], told["time"])
    assert [(placed.place, placed.transaction.txid) for placed in found.transactions] == [
        (place, one["txid"]) for place, one in enumerate(told["tx"])
    ]
    for placed, one in zip(found.transactions, told["tx"], strict=True):
        assert [output.script.hex() for output in placed.transaction.outputs] == [
            output["scriptPubKey"]["hex"] for output in one["vout"]
        ]


def test_only_transactions_that_pay_us_are_read_and_their_place_is_told():
    raw = block(coinbase((THEIRS, 50)), payment((THEIRS, 1)), payment((THEIRS, 2), (OURS, 3)), coinbase((THEIRS, 1)))
    [placed] = checked(raw).transactions
    assert (placed.place, [output.amount for output in placed.transaction.outputs]) == (2, [2, 3])


def test_a_coinbase_to_us_is_known_as_one():
    [placed] = checked(block(coinbase((OURS, 50)))).transactions
    assert placed.transaction.coinbase
    assert placed.transaction.spends == (NO_OUTPOINT,)


def test_a_witness_is_no_part_of_what_names_a_transaction():
    bare = payment((OURS, 3), spends=[("ab" * 32, 0), ("cd" * 32, 300)])
    full = witnessed(bare, [b"x" * 71, b"y" * 33], [b"", b"z" * 300])
    raw = block(coinbase((THEIRS, 50)), full, ids=[hashed(coinbase((THEIRS, 50))), hashed(bare)])
    [placed] = checked(raw).transactions
    assert placed.transaction.txid == hashed(bare)[::-1].hex()
    assert isinstance(read_transaction(full), Transaction)
    assert read_transaction(full) == read_transaction(bare)


def test_who_spends_an_output_that_is_looked_for_is_told():
    needed, other = outpoint(b"\xab" * 32, 5), outpoint(b"\xab" * 32, 6)
    spender = payment((THEIRS, 1), spends=[("cd" * 32, 0), ("ab" * 32, 5)])
    found = checked(block(coinbase((THEIRS, 50)), spender), outpoints=[needed, other])
    assert found.spent == ((needed, hashed(spender)[::-1].hex()),)


def test_many_inputs_and_outputs_and_long_scripts_are_walked_by_their_own_lengths():
    many = payment(
        *[(THEIRS, 1)] * 300, (b"\x6a" + b"\x00" * 70_000, 0), (OURS, 9), spends=[("ab" * 32, n) for n in range(300)]
    )
    [placed] = checked(block(coinbase((THEIRS, 50)), many)).transactions
    assert (len(placed.transaction.spends), len(placed.transaction.outputs)) == (300, 302)


def test_a_block_of_several_hundred_transactions_is_walked_by_its_count():
    raw = block(coinbase((THEIRS, 50)), *(payment((OURS, amount)) for amount in range(1, 300)))
    assert [placed.place for placed in checked(raw).transactions] == list(range(1, 300))


WHOLE = block(coinbase((THEIRS, 50)), payment((THEIRS, 1)), witnessed(payment((OURS, 3)), [b"x" * 71]), ids=[
    hashed(coinbase((THEIRS, 50))), hashed(payment((THEIRS, 1))), hashed(payment((OURS, 3)))
])  # fmt: skip


def test_every_beginning_of_a_block_is_refused_and_so_is_anything_behind_its_end():
    assert not isinstance(checked(WHOLE), Distrusted)
    for end in range(len(WHOLE)):
        found = check_block(WHOLE[:end], Touching(scripts={OURS}), height=7)
        assert isinstance(found, Distrusted), end
    assert "does not end" in refusal(WHOLE + b"\0")


def test_no_byte_of_a_block_can_be_another_but_in_its_witness():
    witness = range(len(WHOLE) - 4 - 71, len(WHOLE) - 4)
    for place in range(4, len(WHOLE)):
        bent = bytearray(WHOLE)
        bent[place] ^= 0x55
        found = check_block(bytes(bent), Touching(scripts={OURS}), height=7, digest=name_of(WHOLE))
        assert isinstance(found, Distrusted) is (place not in witness), place


def test_a_line_whose_end_is_repeated_has_the_same_root_and_is_refused():
    three = [coinbase((THEIRS, 50)), payment((OURS, 1)), payment((OURS, 2))]
    assert root_of(list(map(hashed, three))) == root_of(list(map(hashed, [*three, three[2]])))
    assert "twice (CVE-2012-2459)" in refusal(block(*three, three[2]))
    six = [*three, payment((OURS, 3)), payment((OURS, 4)), payment((OURS, 5))]
    assert root_of(list(map(hashed, six))) == root_of(list(map(hashed, [*six, *six[4:]])))
    assert "twice (CVE-2012-2459)" in refusal(block(*six, *six[4:]))


def test_without_that_refusal_one_payment_would_count_twice(monkeypatch):
    monkeypatch.setattr(bitcoin_block, "merkle_root", root_of)
    three = [coinbase((THEIRS, 50)), payment((OURS, 1)), payment((OURS, 2))]
    found = checked(block(*three, three[2]))
    assert [placed.transaction.outputs[0].amount for placed in found.transactions] == [1, 2, 2]


def test_inner_nodes_of_the_tree_do_not_pass_for_transactions():
    """64 bytes that are two hashes can be read as a transaction, if its maker searched long enough."""
    inner = bytearray(64)
    inner[4] = 1  # one input, no script in it, one output with four bytes of script
    inner[46] = 1
    inner[55] = 4
    assert isinstance(read_transaction(bytes(inner)), Transaction)
    leaves = [bytes(inner[:32]), bytes(inner[32:])]
    forged = block(bytes(inner), ids=leaves)
    assert merkle_root(leaves) == merkle_root([hashed(bytes(inner))])
    assert "does not begin with its coinbase" in refusal(forged)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (block(coinbase((THEIRS, 50)))[:80] + b"\0", "names transactions twice (CVE-2012-2459), or none"),
        (block(payment((OURS, 1))), "does not begin with its coinbase"),
        (block(coinbase((THEIRS, 50)))[:80] + b"\xff" + b"\xff" * 8, "is cut off"),
        (block(coinbase((THEIRS, 50)), witnessed(payment((OURS, 1)), flags=2)), "unknown parts (flags 0x2)"),
        (block(coinbase((OURS, 50)), ids=[bytes(32)]), "do not hash to its root"),
    ],
)
def test_blocks_that_cannot_be_are_refused_with_the_reason(raw, reason):
    assert reason in refusal(raw)


def test_a_block_under_another_name_is_refused():
    found = check_block(WHOLE, Touching(), height=7, digest="ab" * 32)
    assert found == Distrusted(reason=f"block 7 does not hash to {'ab' * 32}")


def test_an_extension_block_behind_its_own_transaction_is_passed_over():
    """LIP-3: the last transaction, flagged, is followed by what no Bitcoin block has, and the root does not cover."""
    last = payment((OURS, 3))
    flagged = last[:4] + b"\x00\x08" + last[4:-4] + b"\x00" + last[-4:]
    ids = [hashed(coinbase((THEIRS, 50))), hashed(last)]
    raw = block(coinbase((THEIRS, 50)), flagged, ids=ids)
    assert read_transaction(flagged) == read_transaction(last)
    assert len(checked(raw + b"\x01" + b"anything").transactions) == 1
    assert len(checked(raw).transactions) == 1


def test_transactions_that_do_not_fill_their_bytes_are_none():
    raw = payment((OURS, 3))
    for end in range(len(raw)):
        assert isinstance(read_transaction(raw[:end]), Distrusted)
    assert isinstance(read_transaction(raw + b"\0"), Distrusted)


GENESIS = bytes.fromhex(
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c"
)
FIRST = bytes.fromhex(
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe680e1fee14677ba1a3c354"
    "0bf7b1cdb606e857233e0e61bc6649ffff001d01e36299"
)


def test_the_main_networks_first_headers_prove_their_work():
    assert check_header(GENESIS, height=0).hash.endswith("0a8ce26f")
    assert unproved(GENESIS, None, 0, MAIN) is None
    assert unproved(FIRST, GENESIS, 1, MAIN) is None


def with_bits(header, bits):
    return header[:72] + bits.to_bytes(4, "little") + header[76:]


def test_a_header_proves_the_work_that_it_claims_and_may_not_claim_less_than_its_chain():
    no_work = "does not prove its work"
    easier = "is easier than its chain allows"
    assert no_work in unproved(FIRST[:76] + bytes(4), GENESIS, 1, MAIN).reason
    assert no_work in unproved(with_bits(FIRST, 0x207FFFFF), GENESIS, 1, MAIN).reason  # above the easiest there is
    assert no_work in unproved(with_bits(FIRST, 0x1D80FFFF), GENESIS, 1, MAIN).reason  # a negative target
    harder = with_bits(GENESIS, 0x1C7FFF80)
    assert easier in unproved(FIRST, harder, 1, MAIN).reason
    assert unproved(FIRST, harder, 2_016, MAIN) is None  # twice as easy at the end of a period
    much_harder = with_bits(GENESIS, 0x1C0FFFF0)
    assert easier in unproved(FIRST, much_harder, 2_016, MAIN).reason  # sixteen times
    assert unproved(FIRST, None, 1, MAIN) is None


def test_litecoin_proves_its_work_by_scrypt():
    rest = "d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1ecd513f7c"
    genesis = b"\x01" + bytes(35) + bytes.fromhex(rest)
    assert f"bip122:{name_of(genesis)[:32]}" == LITECOIN
    assert unproved(genesis, None, 0, LITECOIN) is None
    assert "does not prove its work" in unproved(genesis[:76] + bytes(4), None, 0, LITECOIN).reason
    assert unproved(genesis, None, 0, REGTEST).reason  # double SHA-256 of it is above even that target


def test_a_chain_without_rules_is_not_asked_to_prove_its_work():
    dogecoin = "bip122:1a91e3dace36e2be3bf030a65679fe82"
    assert unproved(FIRST[:76] + bytes(4), GENESIS, 1, dogecoin) is None
    assert unproved(with_bits(FIRST, 0x1D00FFFF), GENESIS, 1, REGTEST) is None
