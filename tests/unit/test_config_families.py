"""What each family adds to the settings and the registry: prefixes, tokens, watch-only keys, a wallet, a memo key."""

import pytest

from config.loader import ChainEntry, chain_of, load_entries
from config.registry import Family, Network
from config.settings import SettingsError
from config.tokens import token_reference
from config.xpub import require_plain, require_watch_only
from tests.support.config_files import RECEIVE, XPRV, XPUB, load

MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
ZPUB = (  # BIP-84, test vectors, account 0
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
)
ZPRV = "zprvAdG4iTXWBoARxkkzNpNh8r6Qag3irQB8PzEMkAFeTRXxHpbF9z4QgEvBRmfvqWvGp42t42nvgGpNgYSJA9iefm1yYNZKEm7z6qUWCroSQnE"
TPUB = (  # BIP-49, test vectors, account 0, in its plain spelling
    "tpubDD7tXK8KeQ3YY83yWq755fHY2JW8Ha8Q765tknUM5rSvjPcGWfUppDFMpQ1ScziKfW3ZNtZvAD7M3u7bSs7HofjTD3KP3YxPK7X6hwV8Rk2"
)
UPUB = "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY"
MEMO_KEY = "5JoQtsKQuH8hC9MyvfJAqo6qmKLm8ePYNucs7tPu2YxG12trzBt"  # published with the examples of a library
WIF = "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn"  # the private key 1, compressed
VIEW_KEY = "a5" * 32
XMR = (  # the main network's and a regtest's spelling of one wallet
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
)
CHAINS = {
    Family.EVM: ("eip155:31337", RECEIVE),
    Family.BITCOIN: ("bip122:0f9188f13cb7b2c71f2a335e3a4fc328", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
    Family.SOLANA: ("solana:UsherLocaLnet1111111111111111111", MINT),
    Family.HIVE: ("hive:42000000000000000000000000000000", "usher"),
    Family.MONERO: ("monero:regtest", XMR),
}
WALLET = (
    f'wallet = {{ endpoint = "http://u:WALLETPASS@127.0.0.1:18082", view_key = "{VIEW_KEY}", password = "FILEPASS" }}'
)
NEEDED = {Family.MONERO: WALLET}


def text(family, *lines):
    """Return a settings file with one chain of a family, and these lines in its table."""
    chain, receive = CHAINS[family]
    table = [f'[chains."{chain}"]', 'endpoints = ["http://127.0.0.1:1"]', f'receive = "{receive}"', *lines]
    return "\n".join(['network = "test"', "[platform]", 'domains = ["tickets.example"]', *table, ""])


def refused(folder, written, **environ):
    with pytest.raises(SettingsError) as raised:
        load(folder, written, **environ)
    return str(raised.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("family", Family)
def test_a_chain_of_each_family_can_be_sold_on(tmp_path, family):
    settings = load(tmp_path, text(family, *([NEEDED[family]] if family in NEEDED else [])))
    chain = settings.registry().chains[CHAINS[family][0]]
    assert chain.family is family
    assert (chain.prefixes is not None) is (family is Family.BITCOIN)


# --- keys that only watch -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [Family.EVM, Family.BITCOIN])
def test_orders_get_addresses_from_an_xpub_on_chains_that_know_such_keys(tmp_path, family):
    settings = load(tmp_path, text(family, f'xpub = "{XPUB}"'))
    assert settings.chains[CHAINS[family][0]].xpub == XPUB


@pytest.mark.parametrize("family", [Family.SOLANA, Family.HIVE, Family.MONERO])
def test_other_families_take_no_xpub(tmp_path, family):
    lines = [f'xpub = "{XPUB}"', *([NEEDED[family]] if family in NEEDED else [])]
    assert "xpub: is for EVM chains and Bitcoin only" in refused(tmp_path, text(family, *lines))


@pytest.mark.parametrize("key", [XPUB, TPUB, ZPUB, UPUB])
def test_watch_only_keys_are_told_by_their_version_and_checksum(key):
    assert require_watch_only(key) == key
    with pytest.raises(ValueError, match="not an extended public key"):
        require_watch_only(key[:-1] + ("1" if key[-1] != "1" else "2"))


@pytest.mark.parametrize("key", [XPUB, TPUB])
def test_where_there_is_one_kind_of_address_only_plain_keys_are_taken(key):
    assert require_plain(key) == key


@pytest.mark.parametrize("key", [ZPUB, UPUB, f"wpkh({XPUB}/0/*)"])
def test_bitcoins_other_spellings_are_refused_where_they_mean_nothing(tmp_path, key):
    assert require_watch_only(key) == key
    assert "is not an xpub (BIP-32)" in refused(tmp_path, text(Family.EVM, f'xpub = "{key}"'))
    load(tmp_path, text(Family.BITCOIN, f'xpub = "{key}"'))


@pytest.mark.parametrize(
    "descriptor",
    [
        f"wpkh([d34db33f/84h/0h/0h]{XPUB}/0/*)#abcdefgh",
        f"wsh(sortedmulti(2,{XPUB}/0/*,{TPUB}/0/*))",
        f"tr({ZPUB})",
    ],
)
def test_a_descriptor_over_watch_only_keys_is_one(descriptor):
    assert require_watch_only(descriptor) == descriptor


@pytest.mark.parametrize(
    "key",
    [
        XPRV,
        ZPRV,
        f"wpkh({XPRV}/0/*)",
        f"wsh(multi(1,{XPUB}/0/*,{XPRV}/0/*))",
        f"pkh({WIF})",
        f" {ZPRV}",
    ],
)
def test_a_private_key_is_refused_wherever_it_hides_and_never_repeated(tmp_path, key):
    reason = refused(tmp_path, text(Family.BITCOIN, f'xpub = "{key}"'))
    assert "is a PRIVATE key" in reason
    for secret in (XPRV, ZPRV, WIF):
        assert secret[4:] not in reason


@pytest.mark.parametrize(
    "key", ["", "xpub", "wpkh()", "wpkh(02" + "ab" * 32 + ")", XPUB[:-5], f"wpkh({XPUB}x)", "1" * 400]
)
def test_what_is_no_such_key_is_refused(key):
    with pytest.raises(ValueError, match="not an extended public key"):
        require_watch_only(key)


# --- what only one family has ---------------------------------------------------------------------------------------


def test_monero_is_read_through_a_wallet(tmp_path):
    assert "wallet: is missing: Monero is read through a view-only wallet" in refused(tmp_path, text(Family.MONERO))


@pytest.mark.parametrize("family", [family for family in Family if family is not Family.MONERO])
def test_no_other_family_has_a_wallet(tmp_path, family):
    assert "wallet: is for Monero only" in refused(tmp_path, text(family, WALLET))


@pytest.mark.parametrize("family", [family for family in Family if family is not Family.HIVE])
def test_no_family_but_hive_has_a_memo_key(tmp_path, family):
    lines = [
        f'memo_key = "{MEMO_KEY}"',
        *([NEEDED[family]] if family in NEEDED else []),
    ]
    reason = refused(tmp_path, text(family, *lines))
    assert "memo_key: is for Hive only" in reason
    assert MEMO_KEY not in reason


def test_hive_takes_a_memo_key_and_does_not_show_it(tmp_path):
    settings = load(tmp_path, text(Family.HIVE, f'memo_key = "{MEMO_KEY}"'))
    assert settings.chains[CHAINS[Family.HIVE][0]].memo_key.get_secret_value() == MEMO_KEY
    assert MEMO_KEY not in repr(settings)


def test_the_wallets_secrets_do_not_show(tmp_path):
    settings = load(tmp_path, text(Family.MONERO, WALLET))
    wallet = settings.chains["monero:regtest"].wallet
    assert (wallet.name, wallet.view_key.get_secret_value()) == ("usher", VIEW_KEY)
    for secret in (VIEW_KEY, "WALLETPASS", "FILEPASS"):
        assert secret not in repr(settings)


@pytest.mark.parametrize("key", ["", "a5" * 31, "a5" * 33, "A5" * 32, "zz" * 32, "44AFFq5"])
def test_a_view_key_has_64_digits(tmp_path, key):
    reason = refused(tmp_path, text(Family.MONERO, WALLET.replace(VIEW_KEY, key)))
    assert "wallet.view_key: is not a private view key (64 hex digits)" in reason
    assert not key or key not in reason


@pytest.mark.parametrize("kind", ["subaddress", "integrated"])
def test_monero_orders_get_subaddresses_or_integrated_addresses(tmp_path, kind):
    assert load(tmp_path, text(Family.MONERO, WALLET)).chains["monero:regtest"].wallet.orders == "subaddress"
    chosen = WALLET.replace("}", f', orders = "{kind}" }}')
    assert load(tmp_path, text(Family.MONERO, chosen)).chains["monero:regtest"].wallet.orders == kind
    assert "wallet.orders" in refused(tmp_path, text(Family.MONERO, chosen.replace(kind, "account")))


@pytest.mark.parametrize("name", ["", "../keys", "a b", ".hidden", "x" * 65])
def test_a_wallets_name_is_one_files_name(tmp_path, name):
    assert "wallet.name" in refused(tmp_path, text(Family.MONERO, WALLET.replace("}", f', name = "{name}" }}')))


def test_secrets_can_come_from_variables_and_credentials_by_the_chains_alias(tmp_path):
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "chains.monero_regtest.wallet.view_key").write_text(VIEW_KEY + "\n")
    settings = load(
        tmp_path,
        text(Family.MONERO, 'wallet = { endpoint = "http://127.0.0.1:18082" }'),
        CREDENTIALS_DIRECTORY=str(tmp_path / "credentials"),
        USHER_CHAINS__MONERO_REGTEST__WALLET__PASSWORD="FILEPASS",
    )
    wallet = settings.chains["monero:regtest"].wallet
    assert (wallet.view_key.get_secret_value(), wallet.password.get_secret_value()) == (VIEW_KEY, "FILEPASS")
    named = load(
        tmp_path,
        text(Family.HIVE),
        USHER_CHAINS__HIVE_TESTNET__MEMO_KEY=MEMO_KEY,
    )
    assert named.chains[CHAINS[Family.HIVE][0]].memo_key.get_secret_value() == MEMO_KEY


# --- the registry's own ----------------------------------------------------------------------------------------------


def entry(chain_id, **changes):
    return ChainEntry.model_validate(load_entries()[chain_id].model_dump() | changes)


def test_every_chain_of_bitcoins_family_spells_its_addresses_links_and_signed_texts_its_own_way():
    spelled = {
        chain_id: loaded.prefixes for chain_id, loaded in load_entries().items() if loaded.family is Family.BITCOIN
    }
    bitcoin = ("bitcoin", "Bitcoin Signed Message:\n")
    litecoin = ("litecoin", "Litecoin Signed Message:\n")
    assert {
        chain_id: (prefixes.p2pkh, prefixes.p2sh, prefixes.bech32, prefixes.link, prefixes.message)
        for chain_id, prefixes in spelled.items()
    } == {
        "bip122:000000000019d6689c085ae165831e93": (0x00, 0x05, "bc", *bitcoin),
        "bip122:12a765e31ffd4059bada1e25190f6e98": (0x30, 0x32, "ltc", *litecoin),
        "bip122:00000000da84f2bafbbc53dee25a72ae": (0x6F, 0xC4, "tb", *bitcoin),
        "bip122:0f9188f13cb7b2c71f2a335e3a4fc328": (0x6F, 0xC4, "bcrt", *bitcoin),
        "bip122:530827f38f93b43ed12af0b3ad25a288": (0x6F, 0x3A, "rltc", *litecoin),
    }


def test_no_two_chains_with_money_spell_an_address_alike_and_no_version_means_two_scripts():
    """Else an address without a chain beside it would name two wallets, or none that can be known."""
    entries = [entry for entry in load_entries().values() if entry.prefixes is not None]
    main = [entry.prefixes for entry in entries if entry.network is Network.MAIN]
    begun = [start for one in main for start in (one.p2pkh, one.p2sh, one.bech32)]
    assert len(begun) == len(set(begun))
    assert {entry.prefixes.p2pkh for entry in entries}.isdisjoint(entry.prefixes.p2sh for entry in entries)


@pytest.mark.parametrize("wrong", [{"p2pkh": 256}, {"p2sh": -1}, {"bech32": "BC"}, {"bech32": ""}, {"bech32": "b1"}])
def test_prefixes_that_no_address_can_have_are_refused(wrong):
    with pytest.raises(ValueError, match="prefixes"):
        entry("bip122:0f9188f13cb7b2c71f2a335e3a4fc328", prefixes={"p2pkh": 0, "p2sh": 5, "bech32": "bc"} | wrong)


def test_depth_decides_unless_an_entry_says_that_only_the_chains_word_does(tmp_path):
    assert {chain_id for chain_id, loaded in load_entries().items() if loaded.finality.tag_only} == {
        chain_id for chain_id, loaded in load_entries().items() if loaded.family in {Family.SOLANA, Family.HIVE}
    }
    settings = load(tmp_path, text(Family.EVM, 'finality = { tag = "finalized", blocks = 8, tag_only = true }'))
    assert settings.registry().chains[CHAINS[Family.EVM][0]].finality.tag_only


@pytest.mark.parametrize(
    ("family", "contract", "name", "named"),
    [
        (Family.EVM, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "erc20:{lower}", "{lower}"),
        (Family.SOLANA, MINT, "token:{}", "{}"),
        (Family.HIVE, "@@000000013", "nai:000000013", "{}"),
    ],
)
def test_a_token_is_named_as_its_chain_and_as_caip_19_name_it(family, contract, name, named):
    found = token_reference(family, contract)
    written = name.format(contract, lower=contract.lower())
    assert f"{found.namespace}:{found.reference}" == written
    assert found.contract == named.format(contract, lower=contract.lower())


@pytest.mark.parametrize(
    ("family", "contract", "reason"),
    [
        (Family.EVM, MINT, "is not 0x and 40 hex digits"),
        (Family.EVM, "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359", "carries no EIP-55 checksum"),
        (Family.SOLANA, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "is no token mint"),
        (Family.SOLANA, MINT + "!", "is no token mint"),
        (Family.SOLANA, "1" * 45, "is no token mint"),
        (Family.HIVE, "HBD", "is no asset of Hive"),
        (Family.HIVE, "@@13", "is no asset of Hive"),
        (Family.BITCOIN, "anything", "has no tokens"),
        (Family.MONERO, "anything", "has no tokens"),
    ],
)
def test_a_token_of_another_family_is_refused_and_says_so_on_its_line(tmp_path, family, contract, reason):
    with pytest.raises(ValueError, match=reason):
        token_reference(family, contract)
    lines = [
        *([NEEDED[family]] if family in NEEDED else []),
        f'tokens = {{ PLAY = {{ contract = "{contract}", decimals = 2 }} }}',
    ]
    assert f"tokens.PLAY.contract: {reason}" in refused(tmp_path, text(family, *lines)).replace(f"{family} has", "has")


def test_a_token_of_a_local_chain_is_an_asset_there(tmp_path):
    settings = load(tmp_path, text(Family.SOLANA, f'tokens = {{ PLAY = {{ contract = "{MINT}", decimals = 2 }} }}'))
    chain = settings.registry().chains[CHAINS[Family.SOLANA][0]]
    assert [(token.ticker, token.id, token.contract) for token in chain.tokens] == [
        ("PLAY", f"{chain.id}/token:{MINT}", MINT)
    ]
    assert chain.payment_methods["play"] == chain.payment_methods["play:localnet"] == chain.tokens[0].id


def test_an_entry_with_a_token_its_family_cannot_have_contradicts_itself():
    wrong = entry("monero:regtest", tokens={"USDC": {"contract": MINT, "decimals": 6}})
    with pytest.raises(ValueError, match="monero has no tokens"):
        chain_of("monero:regtest", wrong)
