"""Every entry of the shipped registry, and the exact arithmetic behind it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import loader
from config.amounts import to_text, to_units
from config.eip55 import checksummed, require_checksum
from config.loader import load_entries, load_registry, mint_steps_of
from config.registry import Asset, Family, Network

REGISTRY = load_registry()
CHAINS = [pytest.param(chain, id=chain.id) for chain in REGISTRY.chains.values()]

ISSUERS_CONTRACTS = {  # EVM: Circle's and Tether's own; BNB Smart Chain: Binance-Peg, with 18 decimals
    ("eip155:1", "USDC"): ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6),
    ("eip155:1", "USDT"): ("0xdAC17F958D2ee523a2206206994597C13D831ec7", 6),
    ("eip155:137", "USDC"): ("0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6),
    ("eip155:137", "USDT"): ("0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6),
    ("eip155:56", "USDC"): ("0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18),
    ("eip155:56", "USDT"): ("0x55d398326f99059fF775485246999027B3197955", 18),
    ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "USDC"): ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6),
    ("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "USDC"): ("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU", 6),
    ("hive:beeab0de000000000000000000000000", "HBD"): ("@@000000013", 3),
    ("hive:42000000000000000000000000000000", "HBD"): ("@@000000013", 3),
}
NATIVE = {  # ticker, SLIP-44 number, decimals
    Family.EVM: ("ETH", 60, 18),
    Family.BITCOIN: ("BTC", 0, 8),
    Family.SOLANA: ("SOL", 501, 9),
    Family.HIVE: ("HIVE", 3054, 3),
    Family.MONERO: ("XMR", 128, 12),
}
OTHER_NATIVE = {
    "eip155:137": ("POL", 966, 18),
    "eip155:56": ("BNB", 714, 18),
    "eip155:80002": ("POL", 966, 18),
    "eip155:97": ("BNB", 714, 18),
    "bip122:12a765e31ffd4059bada1e25190f6e98": ("LTC", 2, 8),
    "bip122:530827f38f93b43ed12af0b3ad25a288": ("LTC", 1, 8),
}
TESTNET_COIN = 1
"""SLIP-44's number for the coins of all test networks."""
CHAIN_IDS = {  # CAIP-2's namespaces, as their own documents spell the references
    Family.EVM: r"eip155:[1-9][0-9]{0,31}",
    Family.BITCOIN: r"bip122:[0-9a-f]{32}",  # the first half of the genesis block's hash
    Family.SOLANA: r"solana:[1-9A-HJ-NP-Za-km-z]{32}",  # the first 32 characters of the genesis hash
    Family.HIVE: r"hive:[0-9a-f]{32}",
    Family.MONERO: r"monero:(?:[0-9a-f]{32}|regtest)",
}
LONGEST_REFERENCE = 32
DEEPEST = {
    "eip155:1": 12,
    "eip155:137": 32,
    "eip155:56": 15,
    "bip122:000000000019d6689c085ae165831e93": 3,
    "bip122:12a765e31ffd4059bada1e25190f6e98": 6,
    "monero:418015bb9ae982a1975da7d79277c270": 10,
}
FINAL = {
    "eip155:1": ("finalized", False),
    "eip155:137": ("finalized", False),
    "eip155:56": ("finalized", False),
    "bip122:000000000019d6689c085ae165831e93": (None, False),
    "bip122:12a765e31ffd4059bada1e25190f6e98": (None, False),
    "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": ("finalized", True),
    "hive:beeab0de000000000000000000000000": ("irreversible", True),
    "monero:418015bb9ae982a1975da7d79277c270": (None, False),
}
MAIN = [chain for chain in REGISTRY.chains.values() if chain.network is Network.MAIN]


def test_the_seven_chains_of_the_mission_are_there_each_once_and_litecoin():
    assert [chain.id for chain in MAIN] == list(FINAL)
    assert {chain.family for chain in MAIN} == set(Family)


def test_every_family_has_a_network_to_try_it_on():
    assert {chain.family for chain in REGISTRY.chains.values() if chain.network is Network.TEST} == set(Family)


@pytest.mark.parametrize("chain", CHAINS)
def test_an_entry_is_whole(chain):
    assert re.fullmatch(CHAIN_IDS[chain.family], chain.id)
    assert len(chain.id.partition(":")[2]) <= LONGEST_REFERENCE  # CAIP-2
    assert 0 < chain.block_time.total_seconds() <= 600
    assert chain.finality.blocks >= chain.steps_for("anything")[-1].confirmations
    assert chain.hold_cap.total_seconds() >= 15 * 60
    ticker, coin, decimals = OTHER_NATIVE.get(chain.id, NATIVE[chain.family])
    if chain.family is Family.BITCOIN and chain.network is Network.TEST:
        coin = TESTNET_COIN
    assert (chain.native.ticker, chain.native.id, chain.native.decimals) == (
        ticker,
        f"{chain.id}/slip44:{coin}",
        decimals,
    )
    assert len({asset.id for asset in chain.assets}) == len(chain.assets)
    for asset in chain.assets:
        assert asset.chain == chain.id
        assert 0 <= asset.dust < 10**asset.decimals * 10
    if chain.network is Network.MAIN:
        assert (chain.finality.tag, chain.finality.tag_only) == FINAL[chain.id]
        assert all("{}" in link for link in (chain.explorer.transaction, chain.explorer.address))


@pytest.mark.parametrize("chain", CHAINS)
def test_more_money_waits_for_more_blocks_and_any_amount_has_a_step(chain):
    for asset in chain.assets:
        steps = chain.steps_for(asset.id)
        bounds = [step.up_to for step in steps]
        assert bounds[-1] is None
        assert bounds[:-1] == sorted(set(bounds[:-1]))
        depths = [step.confirmations for step in steps]
        assert depths == sorted(depths)
        if chain.id in DEEPEST:
            assert depths[-1] == DEEPEST[chain.id]
            assert len(steps) == (1 if chain.family is Family.MONERO else 3)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_hold_lasts_as_long_as_the_chain_takes_to_be_final(chain):
    """Else places would lapse while the payment that buys them is on its way; Hive and Solana wait for nothing else."""
    deepest = max(step.confirmations for asset in chain.assets for step in chain.steps_for(asset.id))
    assert chain.hold_cap >= deepest * chain.block_time


def test_token_contracts_and_decimals_are_the_issuers():
    listed = {
        (chain_id, ticker): (token.contract, token.decimals)
        for chain_id, entry in load_entries().items()
        for ticker, token in entry.tokens.items()
    }
    assert listed == ISSUERS_CONTRACTS
    for (chain_id, _), (contract, _) in listed.items():
        if chain_id.startswith("eip155:"):
            assert require_checksum(contract) == contract


@pytest.mark.parametrize(
    ("spoken", "asset"),
    [
        ("eth", "eip155:1/slip44:60"),
        ("MATIC", "eip155:137/slip44:966"),
        ("pol", "eip155:137/slip44:966"),
        ("bnb", "eip155:56/slip44:714"),
        ("usdc", "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
        ("usdc:ethereum", "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
        ("usdc:polygon", "eip155:137/erc20:0x3c499c542cef5e3811e1192ce70d8cc03d5c3359"),
        ("usdc:bnb", "eip155:56/erc20:0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d"),
        ("matic:polygon", "eip155:137/slip44:966"),
        ("pol:polygon", "eip155:137/slip44:966"),
        ("BTC", "bip122:000000000019d6689c085ae165831e93/slip44:0"),
        ("btc:bitcoin", "bip122:000000000019d6689c085ae165831e93/slip44:0"),
        ("ltc", "bip122:12a765e31ffd4059bada1e25190f6e98/slip44:2"),
        ("sol", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501"),
        (
            "usdc:solana",
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        ),
        (
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        ),
        ("hive", "hive:beeab0de000000000000000000000000/slip44:3054"),
        ("hbd", "hive:beeab0de000000000000000000000000/nai:000000013"),
        ("xmr", "monero:418015bb9ae982a1975da7d79277c270/slip44:128"),
        ("doge", None),
        (" USDT:BNB ", "eip155:56/erc20:0x55d398326f99059ff775485246999027b3197955"),
        (
            "eip155:56/erc20:0x55d398326f99059fF775485246999027B3197955",
            "eip155:56/erc20:0x55d398326f99059ff775485246999027b3197955",
        ),
    ],
)
def test_a_payment_method_names_one_asset(spoken, asset):
    found = loader.Registry(tuple(MAIN)).by_payment_method(spoken)
    assert (found.id if found else None) == asset


def test_no_spoken_name_means_two_assets_of_the_main_networks():
    """A deployment may well take all of those; of a family's test networks it takes one."""
    named = [name for chain in MAIN for name in chain.payment_methods]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("family", Family)
def test_names_that_say_the_chain_are_never_shared_not_even_by_test_networks(family):
    named = [
        name
        for chain in REGISTRY.chains.values()
        if chain.family is family
        for name in chain.payment_methods
        if ":" in name
    ]
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"up_to": "1", "confirmations": 1}],
        [{"up_to": "2", "confirmations": 1}, {"up_to": "1", "confirmations": 2}, {"confirmations": 3}],
        [{"up_to": "1", "confirmations": 3}, {"confirmations": 2}],
        [{"confirmations": 1}, {"confirmations": 2}],
        [{"up_to": "0.0000001", "confirmations": 1}, {"confirmations": 2}],
    ],
)
def test_mint_steps_that_leave_a_gap_or_fall_are_refused(steps):
    asset = Asset(id="a", chain="c", ticker="USDC", decimals=6)
    entries = tuple(loader.StepEntry(**step) for step in steps)
    with pytest.raises(ValueError, match=r"mint_steps|decimals"):
        mint_steps_of({"USDC": entries}, {"USDC": asset})


@given(st.integers(min_value=-(10**78) + 1, max_value=10**78 - 1), st.integers(min_value=0, max_value=36))
def test_an_amount_survives_being_written_and_read(units, decimals):
    text = to_text(units, decimals)
    assert to_units(text.removeprefix("-"), decimals) == abs(units)
    assert text.startswith("-") == (units < 0)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1.0000001", "٣", "0x1", "1_0", "nan"]
)
def test_what_is_no_exact_decimal_is_refused(text):
    with pytest.raises(ValueError, match=r"decimal"):
        to_units(text, 6)


@pytest.mark.parametrize(  # EIP-55, Test Cases
    "address",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_checksums_are_those_of_the_norm(address):
    assert checksummed(bytes.fromhex(address[2:])) == require_checksum(address) == address
