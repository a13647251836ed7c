"""References: made from the deployment's secret, known to nobody beforehand, and never a wallet's."""

import hashlib
import hmac

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from chains.accounts import family_of
from chains.port import Watch
from chains.solana import ours
from chains.solana.ours import Ours, associated, token_account
from chains.solana.reference import deriving, is_reference, is_wallet, references
from config.registry import Family
from tests.support.solana_node import CHAIN, solana_chain

SECRET = b"secret of the tests"


def test_the_same_secret_chain_and_index_give_the_same_reference_for_ever():
    derive = deriving(SECRET, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")
    assert derive(0, 3) == [
        "Dnf9AKg16KydezwLYdHmrTWi35Bb5KrfsphTFMduxK7s",
        "79AJXpg9x84BnfDtiSJAZEt1JuMLvAegDBnKRbnr46Da",
        "ChQATCgD98NxNvYxHaD4LQnFeooeRGsrhLXUR4pvD7nf",
    ]
    assert derive(1, 1) == derive(0, 3)[1:2]


def test_another_secret_chain_or_index_gives_another_reference():
    made = [
        *references(SECRET, CHAIN, 0, 500),
        *references(SECRET, "solana:x", 0, 500),
        *references(b"", CHAIN, 0, 500),
    ]
    assert len(set(made)) == 1500


def test_a_reference_is_an_address_that_no_key_leads_to():
    for reference in references(SECRET, CHAIN, 0, 300):
        assert is_reference(reference)
        assert not is_wallet(reference)
        assert family_of(reference) is Family.SOLANA
        assert not Pubkey.from_string(reference).is_on_curve()


def test_half_of_all_digests_would_be_wallets_if_nobody_looked():
    row = b"\0".join((b"usher solana-pay reference 1", CHAIN.encode(), bytes(8), b"%d"))
    digests = [hmac.new(SECRET, row % attempt, hashlib.sha256).digest() for attempt in range(400)]
    assert 150 < sum(Pubkey(digest).is_on_curve() for digest in digests) < 250


@pytest.mark.parametrize("text", ["", "x", "0x" + "00" * 20, "1" * 31, "1" * 45, "O0Il", "é", "1" * 10_000, "\0"])
def test_what_is_no_address_is_neither(text):
    assert not is_reference(text)
    assert not is_wallet(text)


def test_a_wallet_is_no_reference():
    wallet = str(Keypair().pubkey())
    assert is_wallet(wallet)
    assert not is_reference(wallet)


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, -1)])
def test_positions_that_do_not_exist_are_refused(start, count):
    with pytest.raises(ValueError, match="there are no references"):
        references(SECRET, CHAIN, start, count)


def test_the_watch_is_divided_into_wallets_and_references():
    wallet, retired = str(Keypair().pubkey()), str(Keypair().pubkey())
    known, old, stranger = references(SECRET, CHAIN, 0, 3)
    watch = Watch(active=frozenset({wallet, known, "0xabc"}), retired=frozenset({retired, old}))
    ours = Ours.of(watch, solana_chain())
    assert ours.wallets == {wallet, retired}
    assert ours.references([stranger, old, wallet, known]) == (old, known)


def test_a_wallets_token_accounts_are_those_that_wallets_derive():
    wallet, mint = "mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    program = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
    seeds = [bytes(Pubkey.from_string(key)) for key in (wallet, program, mint)]
    derived, _ = Pubkey.find_program_address(seeds, Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"))
    assert token_account(wallet, mint, program) == str(derived)
    assert str(derived) in associated(wallet, mint)
    assert len(associated(wallet, mint)) == 2


def test_each_watched_reference_is_told_from_a_wallet_once_however_many_there_are():
    watch = Watch(active=frozenset(references(b"many", CHAIN, 0, 500)))
    assert Ours.of(watch, solana_chain()).wallets == frozenset()
    told = ours._is_wallet.cache_info()
    Ours.of(watch, solana_chain())
    assert (told.maxsize, ours._is_wallet.cache_info().misses) == (None, told.misses)
