"""Addresses of all families: what they name, and what is refused."""

import pytest
from solders.pubkey import Pubkey

from chains import base58
from chains.account import Account, HolderKey, NotAnAccount
from chains.accounts import account_of, family_of, holder_of, parse_caip10
from chains.bitcoin import address as bitcoin
from chains.bitcoin import bech32
from chains.evm import address as evm
from chains.monero import address as monero
from config.loader import load_registry
from config.registry import Family, Network

EIP55 = (  # the EIP's own examples
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)
WITNESS_PROGRAMS = {  # BIP-350, "Test vectors for v0-v16 native segregated witness addresses"
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4": (0, "751e76e8199196d454941c45d1b3a323f1433bd6"),
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7": (
        0,
        "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": (
        1,
        "751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    "BC1SW50QGDZ25J": (16, "751e"),
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": (2, "751e76e8199196d454941c45d1b3a323"),
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy": (
        0,
        "000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c": (
        1,
        "000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": (
        1,
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
}
NO_WITNESS_PROGRAMS = (  # BIP-350, with the reason it gives
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",  # bech32 checksum on version 1
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",  # the same on version 2
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",  # the same on version 16
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",  # bech32m checksum on version 0
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",  # the same, 32 bytes
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",  # "o" is no bech32 character
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",  # version 17
    "bc1pw5dgrnzv",  # one byte
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",  # 41 bytes
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",  # version 0 with 16 bytes
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",  # mixed case
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",  # more than four bits of padding
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",  # padding that is not zero
    "bc1gmk9yu",  # no data
)
MONERO = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
MONERO_SUBADDRESS = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"
SOLANA = "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA"


def named(address, network=Network.MAIN):
    account = account_of(address, network=network)
    return str(account) if isinstance(account, Account) else None


@pytest.mark.parametrize("address", EIP55)
def test_an_evm_address_is_the_same_holder_in_any_case_its_checksum_allows(address):
    spellings = (address, address.lower(), "0x" + address[2:].upper())
    holders = {holder_of(spelling, Network.MAIN) for spelling in spellings}
    assert len(holders) == 1
    assert {named(spelling) for spelling in spellings} == {f"eip155:1:{address}"}


def test_an_evm_address_whose_mixed_case_fails_its_checksum_is_refused():
    assert named("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed") is None
    assert named("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed") is not None


def test_taking_the_checksum_away_would_let_a_mistyped_address_through(monkeypatch):
    mistyped = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee"
    assert named(mistyped) is None
    monkeypatch.setattr(evm, "display", lambda _: mistyped)
    assert evm.canonical(mistyped, Network.MAIN) is not None


@pytest.mark.parametrize(
    "text", ["0x", "0x1234", EIP55[0] + "0", EIP55[0][:-1], EIP55[0][2:], "0x" + "g" * 40, "0x" + "٣" * 40]
)
def test_what_is_not_twenty_bytes_of_hex_is_no_evm_address(text):
    assert named(text) is None


@pytest.mark.parametrize(("address", "expected"), WITNESS_PROGRAMS.items())
def test_witness_addresses_decode_as_bip_350_says_and_encode_back(address, expected):
    witness = bech32.decode(address)
    assert (witness.version, witness.program.hex()) == expected
    assert bech32.encode(witness) == address.lower()


@pytest.mark.parametrize("address", NO_WITNESS_PROGRAMS)
def test_what_bip_350_calls_invalid_is_refused(address):
    assert bech32.decode(address) is None
    assert bitcoin.canonical(address, Network.MAIN) is bitcoin.canonical(address, Network.TEST) is None


def test_a_bech32_prefix_of_another_coin_is_refused():
    other = "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut"
    assert named(other) is named(other, Network.TEST) is None


@pytest.mark.parametrize("address", ["BC1SW50QGDZ25J", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs"])
def test_a_witness_version_without_meaning_is_nobodys_wallet(address):
    assert bitcoin.canonical(address, Network.MAIN) is None


def test_a_text_of_sixteen_characters_or_less_is_read_as_a_hive_name_whatever_it_looks_like():
    assert family_of("bc1gmk9yu") is Family.HIVE
    assert family_of("1" * 17) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Network.MAIN),
        ("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", Network.MAIN),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", Network.TEST),
        ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", Network.TEST),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Network.MAIN),
        ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", Network.TEST),
    ],
)
def test_a_bitcoin_address_belongs_to_one_network_only(address, network):
    other = Network.TEST if network is Network.MAIN else Network.MAIN
    assert holder_of(address, network).canonical == address.encode()
    assert named(address, other) is None


BITCOIN_MAIN = "bip122:000000000019d6689c085ae165831e93"
LITECOIN_MAIN = "bip122:12a765e31ffd4059bada1e25190f6e98"
LITECOIN_REGTEST = "bip122:530827f38f93b43ed12af0b3ad25a288"
HOMES = [  # addresses of Litecoin Core 0.21.4, and Bitcoin's of the same kinds
    ("LfATyguD24P7FcuAPoMePiXioZb3fXLXVf", Network.MAIN, LITECOIN_MAIN),
    ("MLeQ7obSbGf9MkMAeQ4QH6NxmvgVCkPTZt", Network.MAIN, LITECOIN_MAIN),
    ("ltc1qtnktm50hmt58my37e9ul0ul4x9r7vsr7ux3s8u", Network.MAIN, LITECOIN_MAIN),
    ("LTC1QTNKTM50HMT58MY37E9UL0UL4X9R7VSR7UX3S8U", Network.MAIN, LITECOIN_MAIN),
    ("QStd1j7vz2UL3sGE8x7yR5udnbUUJJUaZu", Network.TEST, LITECOIN_REGTEST),
    ("rltc1q8uqqp848gsyu3890x792pn66j55rd8mtmzaz60", Network.TEST, LITECOIN_REGTEST),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", Network.MAIN, BITCOIN_MAIN),
    ("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", Network.MAIN, BITCOIN_MAIN),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Network.MAIN, BITCOIN_MAIN),
    ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", Network.TEST, "bip122:00000000da84f2bafbbc53dee25a72ae"),
    ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", Network.TEST, "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"),
]


@pytest.mark.parametrize(("address", "network", "home"), HOMES)
def test_chains_of_bitcoins_family_are_told_apart_by_how_an_address_begins(address, network, home):
    account = account_of(address, network=network)
    assert account.chain == home
    assert account.address == (address.lower() if address.upper() == address else address)
    assert parse_caip10(str(account), network) == account
    assert named(address, Network.TEST if network is Network.MAIN else Network.MAIN) is None


@pytest.mark.parametrize(("address", "network", "home"), HOMES)
def test_an_address_beside_a_chain_that_spells_it_otherwise_is_no_account(address, network, home):
    chains = load_registry().chains.values()
    others = [chain for chain in chains if chain.family is Family.BITCOIN and chain.id != home]
    shared = {"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn": 2}.get(address, 0)  # Bitcoin's and Litecoin's regtest write it too
    taken = [one.id for one in others if isinstance(parse_caip10(f"{one.id}:{address}", network), Account)]
    assert len(taken) == shared


def test_a_wallet_of_bitcoins_family_is_on_the_chain_paid_on_where_that_spells_it_and_at_home_where_not():
    litecoin = load_registry().chain(LITECOIN_MAIN)
    for address, network, home in HOMES:
        assert account_of(address, network=network, chain=litecoin).chain == home
    shared, regtest = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", load_registry().chain(LITECOIN_REGTEST)
    assert account_of(shared, network=Network.TEST, chain=regtest).chain == LITECOIN_REGTEST


def test_litecoins_old_way_to_write_script_hashes_is_bitcoins():
    address = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
    assert isinstance(parse_caip10(f"{LITECOIN_MAIN}:{address}", Network.MAIN), NotAnAccount)
    assert named(address) == f"{BITCOIN_MAIN}:{address}"


def test_base58_that_begins_as_bech32_would_is_no_bech32():
    """A Solana wallet may begin with any letters; bech32 never mixes cases (BIP-173)."""
    text = next(
        text
        for number in range(1, 10_000)
        if len(base58.decode(text := f"bc1{base58.encode(number.to_bytes(30, 'little'))}"[:44]) or b"") == 32
    )
    assert family_of(text) is Family.SOLANA


def test_testnet_and_regtest_are_different_holders_though_both_are_test_money():
    program = bech32.decode("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7").program
    regtest = bech32.encode(bech32.WitnessProgram(prefix="bcrt", version=0, program=program))
    testnet = bech32.encode(bech32.WitnessProgram(prefix="tb", version=0, program=program))
    assert holder_of(regtest, Network.TEST) != holder_of(testnet, Network.TEST)


def test_bech32_in_capitals_is_the_same_holder_and_base58_in_another_case_is_not():
    address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    assert holder_of(address.upper(), Network.MAIN) == holder_of(address, Network.MAIN)
    assert named("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa".lower()) is None


def test_a_solana_wallet_lies_on_the_curve_and_a_program_address_does_not():
    assert named(SOLANA) == f"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:{SOLANA}"
    program_address, _ = Pubkey.find_program_address([b"vault"], Pubkey.from_string(SOLANA))
    assert named(str(program_address)) is None


@pytest.mark.parametrize("name", ["gtg", "good-karma", "hive.fund", "v4vapp.dhf", "a23", "abc--def"])
def test_hive_names_follow_the_chains_own_grammar(name):
    assert named(name) == f"hive:beeab0de000000000000000000000000:{name}"


def test_a_hive_name_is_lower_case_without_its_at_sign():
    assert holder_of("@Alice", Network.MAIN) == holder_of("alice", Network.MAIN)


@pytest.mark.parametrize(
    "name",
    ["ab", "-invalid", "3digits", "has..double", "ab.cde", "abc.de", "ends-", "a" * 17, "@", "@@alice", "al ice",
     "\u212aate", "alice\n"],
)  # fmt: skip
def test_what_the_hive_chain_could_not_have_is_no_hive_name(name):
    assert named(name) is None


def test_monero_takes_standard_addresses_and_subaddresses():
    for address in (MONERO, MONERO_SUBADDRESS):
        assert named(address) == f"monero:418015bb9ae982a1975da7d79277c270:{address}"
        assert named(address, Network.TEST) is not None  # a regtest writes its addresses like this


@pytest.mark.parametrize(
    ("prefix", "network"), [(53, Network.TEST), (63, Network.TEST), (24, Network.TEST), (36, Network.TEST)]
)
def test_monero_prefixes_tell_the_network(prefix, network):
    keys = monero.canonical(MONERO, Network.MAIN)[1:]
    address = monero.display(bytes([prefix]) + keys)
    assert named(address, network) is not None
    assert named(address, Network.MAIN) is None


def test_an_integrated_monero_address_is_no_account():
    keys = monero.canonical(MONERO, Network.MAIN)[1:]
    integrated = monero.display(bytes([19]) + keys + bytes(8))
    assert len(integrated) == 106
    assert family_of(integrated) is Family.MONERO
    assert named(integrated) is None


def test_a_monero_block_that_holds_more_than_its_bytes_is_refused():
    assert named("zzzzzzzzzzz" + MONERO[11:]) is None
    assert named(MONERO[:-1] + "4") is None


def test_an_account_is_on_the_chain_it_paid_on_where_that_is_of_its_family():
    registry = load_registry()
    polygon = registry.chain("eip155:137")
    assert account_of(EIP55[4], network=Network.MAIN, chain=polygon).chain == "eip155:137"
    assert account_of(SOLANA, network=Network.MAIN, chain=polygon).chain.startswith("solana:")


def test_a_caip_10_id_names_its_own_chain():
    account = parse_caip10(f"eip155:56:{EIP55[4].lower()}", Network.MAIN)
    assert str(account) == f"eip155:56:{EIP55[4]}"
    assert account.holder == holder_of(EIP55[4], Network.MAIN)


@pytest.mark.parametrize(
    "text", ["", EIP55[0], f"eip155:1:{SOLANA}", "cosmos:cosmoshub-3:cosmos1x", f"EIP155:1:{EIP55[0]}", "eip155:1:"]
)
def test_what_is_no_caip_10_id_of_ours_is_told_apart_from_one(text):
    assert isinstance(parse_caip10(text, Network.MAIN), NotAnAccount)


@pytest.mark.parametrize("address", [EIP55[4], SOLANA, "alice", MONERO, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"])
def test_a_holder_key_comes_back_from_the_database_as_it_went_in_and_fits_its_column(address):
    holder = holder_of(address, Network.MAIN)
    assert HolderKey.parse(str(holder)) == holder
    assert len(str(holder)) <= 160


def test_the_same_key_on_the_test_network_is_another_holder():
    assert holder_of(EIP55[4], Network.MAIN) != holder_of(EIP55[4], Network.TEST)
