"""Addresses and keys of the settings are held against their chain before anything runs."""

import pytest

from chains.catalogue import has_own_keys
from config.gate_secret import create_gate_secret
from config.settings import load_settings
from tests.support.monero_values import PRIMARY, SUBADDRESSES, VIEW_KEY
from usher.addresses import AddressSettingError, deriving, receive_of
from usher.doctor.finding import Level
from usher.doctor.local import addresses

REGTEST, SOLANA, HIVE = (
    "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
    "solana:UsherLocaLnet1111111111111111111",
    "hive:42000000000000000000000000000000",
)
GOOD = {
    REGTEST: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    SOLANA: "7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv",
    HIVE: "Cave.Tickets",
}
INTEGRATED = (
    "4JLEMT5txonGoNyoyCqywe2sazqDk5t5FXny3FAV7F241bECXuMytNWKHrTpVu7cRFYwxEXWwaaXNFCLM2ChnutM8AoSLz6FomLB4r19Cn"
)
TESTNET_BITCOIN = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"


def settings(folder, chain, receive, *more):
    (folder / "keys").mkdir()
    create_gate_secret(folder / "keys")
    file = folder / "usher.toml"
    lines = (f'[chains."{chain}"]', 'endpoints = ["http://127.0.0.1:1"]', f'receive = "{receive}"', *more)
    head = 'network = "test"\n[platform]\ndomains = ["localhost"]\n[keys]\ndirectory = "keys"\n'
    file.write_text(head + "\n".join(lines))
    return load_settings(file, {})


@pytest.mark.parametrize(("chain", "receive"), GOOD.items())
def test_an_address_of_the_chain_is_taken_in_its_own_spelling(tmp_path, chain, receive):
    read = settings(tmp_path, chain, receive)
    spelled = receive.lower() if chain == HIVE else receive
    assert receive_of(read, read.registry().chains[chain]) == spelled


@pytest.mark.parametrize(
    ("chain", "receive"),
    [(REGTEST, TESTNET_BITCOIN), (REGTEST, GOOD[SOLANA]), (SOLANA, GOOD[HIVE]), (HIVE, GOOD[REGTEST])],
)
def test_another_chains_address_is_refused_by_the_name_of_its_setting(tmp_path, chain, receive):
    read = settings(tmp_path, chain, receive)
    with pytest.raises(AddressSettingError, match=r"\.receive: "):
        receive_of(read, read.registry().chains[chain])
    [finding] = addresses(read)
    assert finding.level is Level.FAILED


def test_a_broken_descriptor_is_refused_by_the_name_of_its_setting_and_not_repeated(tmp_path):
    xpub = "tpubD6NzVbkrYhZ4WLczPJWReQycCJdd6YVWXubbVUFnJ5KgU5MDQrD998ZJ"
    xpub += "LSmaB7GVcCnJSDWprxmrGkJ6SvgQC6QAffVpqSvonXmeizXcrkN"
    read = settings(tmp_path, REGTEST, GOOD[REGTEST], f'xpub = "wpkh({xpub}/0/*)#aaaaaaaa"')
    with pytest.raises(AddressSettingError, match=r"\.xpub: ") as refused:
        deriving(read, read.registry().chains[REGTEST])
    assert xpub not in str(refused.value)


@pytest.mark.parametrize(("chain", "what"), [(SOLANA, "references"), (HIVE, "told apart by the memo")])
def test_doctor_says_by_what_orders_are_found(tmp_path, chain, what):
    read = settings(tmp_path, chain, GOOD[chain])
    [finding] = addresses(read)
    assert finding.level is Level.OK
    assert what in finding.detail
    assert has_own_keys(read.registry().chains[chain], read.chains[chain]) is (chain == SOLANA)


@pytest.mark.parametrize(
    ("orders", "first"),
    [
        ("", SUBADDRESSES[0]),
        (', orders = "subaddress"', SUBADDRESSES[0]),
        (', orders = "integrated"', INTEGRATED),
    ],
)
def test_doctor_shows_the_kind_of_address_that_monero_orders_get(tmp_path, orders, first):
    wallet = f'wallet = {{ endpoint = "http://127.0.0.1:2", view_key = "{VIEW_KEY}"{orders} }}'
    read = settings(tmp_path, "monero:regtest", PRIMARY, wallet)
    [finding] = addresses(read)
    assert (finding.level, finding.detail.rpartition(" ")[2]) == (Level.OK, first)
    assert f"money without a link to {PRIMARY}" in finding.detail
    assert VIEW_KEY not in finding.detail
    assert has_own_keys(read.registry().chains["monero:regtest"], read.chains["monero:regtest"])
