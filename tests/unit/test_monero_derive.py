"""Subaddresses made from the view key, held against those that monero-wallet-rpc made."""

import pytest

from chains.monero import address, base58, derive
from chains.monero.derive import Subaddresses, WrongKeyError, deriving, payment_id_of
from config.registry import Network
from tests.support.monero_values import OTHER_ACCOUNT, PRIMARY, SUBADDRESSES, VIEW_KEY

STRANGER = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
STRANGERS_SUBADDRESS = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"

PAYMENT_IDS = ["dc4a644b7a97e359", "a525ee6982ea2e9a", "fae047eba5feff41"]


@pytest.fixture
def keys():
    return Subaddresses(PRIMARY, VIEW_KEY)


def test_an_order_gets_the_subaddress_that_the_wallet_would_make():
    assert deriving(PRIMARY, VIEW_KEY)(0, 3) == list(SUBADDRESSES)
    assert deriving(PRIMARY, VIEW_KEY)(1, 1) == [SUBADDRESSES[1]]
    assert deriving(PRIMARY, VIEW_KEY)(5, 0) == []


def test_index_0_is_the_primary_address(keys):
    assert keys.at(0) == PRIMARY


def test_a_subaddress_is_found_by_its_address_wherever_it_stands(keys):
    far = keys.at(700)
    assert keys.minors([far, SUBADDRESSES[1], PRIMARY]) == {far: 700, SUBADDRESSES[1]: 2, PRIMARY: 0}
    assert keys.minors([SUBADDRESSES[2]]) == {SUBADDRESSES[2]: 3}


def test_a_subaddress_is_found_behind_the_indices_that_integrated_addresses_had(keys, monkeypatch):
    """Whoever changes to integrated addresses and back leaves a gap in the line of subaddresses, as wide as he sold."""
    monkeypatch.setattr(derive, "GAP", 100)
    sold = [keys.integrated(index) for index in range(1, 1000)]
    behind = keys.at(1000)
    assert Subaddresses(PRIMARY, VIEW_KEY).minors([SUBADDRESSES[0], behind]) == {SUBADDRESSES[0]: 1}
    found = Subaddresses(PRIMARY, VIEW_KEY).minors([SUBADDRESSES[0], *sold, behind])
    assert found == {SUBADDRESSES[0]: 1, behind: 1000}


@pytest.mark.parametrize("stranger", [STRANGER, STRANGERS_SUBADDRESS, "", "0x" + "00" * 20, "é", PRIMARY + "1"])
def test_what_is_not_ours_has_no_index_and_is_not_searched_for(keys, stranger, monkeypatch):
    def search(_minor):
        raise AssertionError

    monkeypatch.setattr(keys, "_at", search)
    assert keys.minors([stranger]) == {}


def test_a_subaddress_of_another_account_is_searched_for_once_and_not_for_ever(keys, monkeypatch):
    monkeypatch.setattr(derive, "GAP", 600)
    assert keys.minors([OTHER_ACCOUNT, SUBADDRESSES[0]]) == {SUBADDRESSES[0]: 1}
    monkeypatch.setattr(keys, "_at", None)
    assert keys.minors([OTHER_ACCOUNT]) == {}
    assert 600 < len(keys._minors) < 1200  # what the search has cost, in addresses


@pytest.mark.parametrize(
    ("primary", "view_key"),
    [
        (STRANGER, VIEW_KEY),
        (SUBADDRESSES[0], VIEW_KEY),
        ("4", VIEW_KEY),
        (PRIMARY, "1" * 64),
        (PRIMARY, "0" * 64),
        (PRIMARY, "f" * 64),
        (PRIMARY, "zz"),
        (PRIMARY, ""),
    ],
    ids=["another's", "a subaddress", "no address", "another key", "zero", "no scalar", "no hex", "nothing"],
)
def test_a_view_key_that_is_not_the_addresss_is_refused_and_never_repeated(primary, view_key):
    with pytest.raises(WrongKeyError) as refused:
        deriving(primary, view_key)
    assert VIEW_KEY not in str(refused.value)
    assert len(view_key) < 8 or view_key not in str(refused.value)


# --- integrated addresses ----------------------------------------------------------------------------------


def test_an_order_gets_the_primary_address_with_a_payment_id_of_its_own():
    made = deriving(PRIMARY, VIEW_KEY, integrated=True)(0, 200)
    parts = [address.split(one, Network.MAIN) for one in made]
    assert {one.address for one in parts} == {PRIMARY}
    assert len({one.payment_id for one in parts}) == len(made)
    assert [address.integrated(PRIMARY, one.payment_id, Network.MAIN) for one in parts] == made


def test_the_payment_id_of_an_index_is_the_same_for_ever():
    """An order that was given its address by an earlier release is found by the same one after a restore."""
    derive = deriving(PRIMARY, VIEW_KEY, integrated=True)
    assert derive(3, 2) == derive(0, 5)[3:]
    ids = [address.split(one, Network.MAIN).payment_id for one in derive(0, 3)]
    assert ids == PAYMENT_IDS


def test_only_the_view_key_tells_which_payment_id_comes_next(keys):
    other = Subaddresses(PRIMARY, VIEW_KEY)
    assert other.integrated(7) == keys.integrated(7)
    other._secret = bytes(31) + b"\x01"
    assert other.integrated(7) != keys.integrated(7)


@pytest.mark.parametrize(
    ("digest", "payment_id"),
    [
        (bytes(32), "0100000000000000"),
        ((2**64 - 1).to_bytes(32, "little"), "0100000000000000"),
        ((2**64 - 2).to_bytes(32, "little"), "ffffffffffffffff"),
        ((2**64).to_bytes(32, "little"), "0200000000000000"),
        (b"\xff" * 32, "0100000000000000"),
    ],
)
def test_no_payment_id_is_the_null_one_which_wallets_send_to_everybody(digest, payment_id):
    assert payment_id_of(digest).hex() == payment_id


@pytest.mark.parametrize(
    ("network_byte", "integrated_byte"), [(18, 19), (53, 54), (24, 25)], ids=["main", "testnet", "stagenet"]
)
def test_an_integrated_address_is_of_its_primary_addresss_network(network_byte, integrated_byte):
    keys = address.canonical(PRIMARY, Network.MAIN)[1:]
    primary = address.display(bytes([network_byte]) + keys)
    [made] = deriving(primary, VIEW_KEY, integrated=True)(0, 1)
    assert address.split(made, Network.TEST).address == primary
    assert base58.decode_checked(made)[0] == integrated_byte
