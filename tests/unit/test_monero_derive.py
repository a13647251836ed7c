"""Subaddresses made from the view key, held against those that monero-wallet-rpc made."""

import pytest

from chains.monero import derive
from chains.monero.derive import Subaddresses, WrongKeyError, deriving
from tests.support.monero_values import OTHER_ACCOUNT, PRIMARY, SUBADDRESSES, VIEW_KEY

STRANGER = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
STRANGERS_SUBADDRESS = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"


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
