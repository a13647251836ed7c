"""Output scripts: which address stands for which on which chain, and what an OP_RETURN output carries."""

import pytest

from chains.bitcoin import ours
from chains.bitcoin.address import canonical_on
from chains.bitcoin.script import address_of, carried, output_script, script_of
from config.loader import load_registry

MAIN = load_registry().chain("bip122:000000000019d6689c085ae165831e93").prefixes
REGTEST = load_registry().chain("bip122:0f9188f13cb7b2c71f2a335e3a4fc328").prefixes
LITECOIN = load_registry().chain("bip122:12a765e31ffd4059bada1e25190f6e98").prefixes

ADDRESSES = {  # BIP-173, BIP-350 and Bitcoin Core's own test data
    "P2PKH": ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac"),
    "P2SH": ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87"),
    "P2WPKH": ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    "P2WSH": (
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    "P2TR": (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_an_address_and_its_script_stand_for_each_other(kind):
    address, script = ADDRESSES[kind]
    assert script_of(address, MAIN) == output_script(address) == bytes.fromhex(script)
    assert address_of(bytes.fromhex(script), MAIN) == address


@pytest.mark.parametrize("kind", ADDRESSES)
def test_another_chain_spells_the_same_script_otherwise_and_does_not_know_this_address(kind):
    address, script = ADDRESSES[kind]
    for prefixes in (REGTEST, LITECOIN):
        theirs = address_of(bytes.fromhex(script), prefixes)
        assert theirs != address
        assert script_of(theirs, prefixes) == bytes.fromhex(script)
        assert script_of(address, prefixes) is None
        assert script_of(theirs, MAIN) is None


@pytest.mark.parametrize("kind", ADDRESSES)
def test_an_address_has_one_spelling_on_its_chain_whichever_chain_of_the_family_that_is(kind):
    script = bytes.fromhex(ADDRESSES[kind][1])
    for prefixes in (MAIN, REGTEST, LITECOIN):
        spelt = address_of(script, prefixes)
        assert canonical_on(spelt, prefixes) == spelt.encode()
        if spelt.startswith(prefixes.bech32):
            assert canonical_on(spelt.upper(), prefixes) == spelt.encode()
        others = [other for other in (MAIN, REGTEST, LITECOIN) if other is not prefixes]
        assert [canonical_on(spelt, other) for other in others] == [None, None]
    assert canonical_on("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", MAIN) is None  # a version without a meaning yet


@pytest.mark.parametrize(
    "script",
    [
        "",
        "51",
        "21" + "02" * 33 + "ac",  # a bare key
        "76a914" + "11" * 20 + "88",  # cut off
        "76a914" + "11" * 20 + "88acac",
        "a914" + "11" * 20,
        "0014" + "11" * 19,
        "0020" + "11" * 20,
        "5114" + "11" * 20,  # no meaning yet
        "5220" + "11" * 32,
        "51024e73",  # an anchor: anybody's
        "6a0568656c6c6f",
    ],
)
def test_scripts_that_no_wallet_shows_as_an_address_have_none(script):
    assert address_of(bytes.fromhex(script), MAIN) is None


@pytest.mark.parametrize(
    "text", ["", "1", "bc1", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "x" * 1_000, "0x" + "00" * 20, "é"]
)
def test_what_is_no_address_has_no_script(text):
    assert script_of(text, MAIN) is None


@pytest.mark.parametrize(
    ("script", "data"),
    [
        ("6a", b""),
        ("6a00", b""),
        ("6a0548656c6c6f", b"Hello"),
        ("6a02486503" + "6c6c6f", b"Hello"),
        ("6a4c0548656c6c6f", b"Hello"),
        ("6a4d050048656c6c6f", b"Hello"),
        ("6a4e0500000048656c6c6f", b"Hello"),
        ("6a024865" + "4c03" + "6c6c6f" + "00", b"Hello"),
        ("", None),
        ("0548656c6c6f", None),  # data, but spendable: no carrier
        ("6a51", None),
        ("6a0548656c6c", None),
        ("6a4c", None),
        ("6a4cff48", None),
        ("6a4effffffff48", None),
        ("6a0148ac", None),
    ],
)
def test_an_op_return_output_carries_the_data_of_its_pushes_joined(script, data):
    assert carried(bytes.fromhex(script)) == data


def test_each_watched_address_is_spelt_out_once_however_many_there_are():
    chain = load_registry().chain("bip122:000000000019d6689c085ae165831e93")
    watched = [address_of(bytes.fromhex("0014") + number.to_bytes(20, "big"), MAIN) for number in range(1_000)]
    assert len(ours.Ours.of(watched, chain).scripts) == 1_000
    spelt = ours._script_of.cache_info()
    ours.Ours.of(watched, chain)
    assert (spelt.maxsize, ours._script_of.cache_info().misses) == (None, spelt.misses)
