"""Order addresses from an extended public key, held against the published vectors of BIP-32 and against bitcoinlib."""

import pytest
from eth_account import Account
from eth_account.hdaccount import seed_from_mnemonic

from chains.evm.derive import NotWatchOnlyError, addresses

MNEMONIC = "test test test test test test test test test test test junk"
XPRV = (  # BIP-32, test vector 1, chain m
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
)


def account_xpub() -> str:
    """Return m/44'/60'/0' of the development mnemonic, as bitcoinlib derives it."""
    from bitcoinlib.keys import HDKey  # noqa: PLC0415  it writes to HOME when imported

    master = HDKey.from_seed(seed_from_mnemonic(MNEMONIC, ""), witness_type="legacy")
    return master.subkey_for_path("m/44'/60'/0'").wif_public()


@pytest.fixture(scope="module")
def xpub(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BCL_DATA_DIR", str(tmp_path_factory.mktemp("bitcoinlib")))
        yield account_xpub()


def test_addresses_are_those_that_a_wallet_derives(xpub):
    Account.enable_unaudited_hdwallet_features()
    expected = [Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{place}").address for place in range(5)]
    assert addresses(xpub, 0, 5) == expected
    assert addresses(xpub, 3, 2) == expected[3:]


def test_no_addresses_are_asked_for_none(xpub):
    assert addresses(xpub, 7, 0) == []


@pytest.mark.parametrize("key", [XPRV, "", "xpub", "xpub" + "1" * 107, XPRV[:-1] + "j"])
def test_anything_but_an_extended_public_key_is_refused_and_never_repeated(key):
    with pytest.raises(NotWatchOnlyError) as caught:
        addresses(key, 0, 1)
    assert "xprv" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_mistyped_key_is_refused(xpub):
    wrong = xpub[:-1] + ("1" if xpub[-1] != "1" else "2")
    with pytest.raises(NotWatchOnlyError):
        addresses(wrong, 0, 1)


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, -1), (2**31 - 1, 2)])
def test_positions_that_do_not_exist_are_refused(xpub, start, count):
    with pytest.raises(ValueError, match="children"):
        addresses(xpub, start, count)
