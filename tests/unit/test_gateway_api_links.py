"""The payment link of each family says what the bill says, and only claims to name an order where it does."""

from dataclasses import replace

import pytest

from chains.bitcoin import uri as bitcoin
from chains.evm import uri as evm
from chains.hive import uri as hive
from chains.monero import address as monero_address
from chains.monero import uri as monero
from chains.solana import uri as solana
from config.loader import load_registry
from config.registry import Family, Network
from gateway.api.links import Bill, payment_link

REGISTRY = load_registry()
MEMO = "o:4K7T-9QX2"
WALLETS = {
    Family.EVM: "0x9D85ca56217D2bb651b00f15e694EB7E713637D4",
    Family.BITCOIN: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    Family.SOLANA: "7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv",
    Family.HIVE: "cave.tickets",
    Family.MONERO: "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",
}
REFERENCE = "SysvarC1ock11111111111111111111111111111111"
CASES = [(chain, asset) for chain in REGISTRY.chains.values() if chain.network == "main" for asset in chain.assets]


def wallet_on(chain):
    return "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9" if chain.name == "Litecoin" else WALLETS[chain.family]


def bill(chain, asset, **more):
    wallet, settings = wallet_on(chain), {"own_address": False} | more
    return Bill(chain=chain, asset=asset, amount=1_234_567, address=wallet, memo=MEMO, **settings)


def test_every_asset_of_every_main_network_is_asked_for_here():
    assert {chain.family for chain, _ in CASES} == set(Family)


@pytest.mark.parametrize(("chain", "asset"), CASES, ids=lambda of: getattr(of, "ticker", None) or of.name)
def test_a_link_asks_for_the_amount_at_the_address(chain, asset):
    link = payment_link(bill(chain, asset, reference=REFERENCE if chain.family is Family.SOLANA else None)).uri
    wallet = wallet_on(chain)
    match chain.family:
        case Family.EVM:
            asked = evm.parse(link)
            assert (asked.beneficiary, asked.amount) == (wallet, 1_234_567)
        case Family.BITCOIN:
            asked = bitcoin.parse(link, chain.prefixes, scheme=chain.name.lower())
            assert (asked.address, asked.amount) == (wallet, 1_234_567)
        case Family.SOLANA:
            asked = solana.parse(link)
            assert (asked.recipient, asked.references, asked.memo) == (wallet, (REFERENCE,), MEMO)
            assert asked.token == asset.contract
        case Family.HIVE:
            [operation] = hive.parse(link).operations
            assert operation.value["amount"] == f"1234.567 {asset.ticker}"
            assert (operation.value["to"], operation.value["memo"]) == (wallet, MEMO)
        case Family.MONERO:
            asked = monero.parse(link)
            assert (asked.address, asked.amount) == (wallet, 1_234_567)


@pytest.mark.parametrize(
    ("family", "alone"),
    [
        (Family.EVM, False),  # ERC-681 carries no calldata
        (Family.BITCOIN, False),  # BIP-21 carries no OP_RETURN
        (Family.MONERO, False),  # nothing travels along
        (Family.SOLANA, True),
        (Family.HIVE, True),
    ],
)
def test_a_link_to_the_platforms_address_names_an_order_only_where_it_carries_the_memo(family, alone):
    chain = next(chain for chain, _ in CASES if chain.family is family)
    assert payment_link(bill(chain, chain.native)).identifies is alone
    assert payment_link(bill(chain, chain.native, own_address=True)).identifies


def test_an_integrated_address_of_an_order_is_asked_for_as_it_is():
    chain = next(chain for chain, _ in CASES if chain.family is Family.MONERO)
    own = monero_address.integrated(WALLETS[Family.MONERO], "0123456789abcdef", Network.MAIN)
    link = payment_link(replace(bill(chain, chain.native, own_address=True), address=own))
    assert link.identifies
    assert monero.parse(link.uri) == monero.PaymentRequest(address=own, amount=1_234_567)
