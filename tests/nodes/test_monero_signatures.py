"""What a real monero-wallet-rpc signs is valid where the spend key did; what it refuses, we refuse."""

import pytest

from chains.monero import base58
from config.registry import Network
from tests.support.monerod import monerod, wallet_rpc
from tests.support.verifier_signers import BENDS, account, verdict, written
from verifier.verdict import Invalid, Valid

TEXTS = ("Access event 42 at 1795176000000", "", "Тест ✓\nline", "x" * 5000)


@pytest.fixture(scope="module")
def wallet():
    """A wallet with some subaddresses in two accounts."""
    with monerod() as node, wallet_rpc(node.url) as wallet:
        wallet.create("signer")
        wallet.rpc("create_account")
        for major in (0, 1):
            for _ in range(2):
                wallet.rpc("create_address", account_index=major)
        yield wallet


INDEXES = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)]


def address_at(wallet, major, minor):
    [found] = wallet.rpc("get_address", account_index=major, address_index=[minor])["addresses"]
    return found["address"]


def sign(wallet, text, major, minor, kind="spend"):
    return wallet.rpc("sign", data=text, account_index=major, address_index=minor, signature_type=kind)["signature"]


@pytest.mark.parametrize(("major", "minor"), INDEXES)
@pytest.mark.parametrize("network", Network)
async def test_a_wallets_signature_by_its_spend_key_is_valid(wallet, now, major, minor, network):
    owner = account(address_at(wallet, major, minor), network)
    for text in TEXTS:
        signature = sign(wallet, text, major, minor)
        assert await verdict(owner, text, signature, now) == Valid(account=owner, scheme="monero-v2")
        assert isinstance(await verdict(owner, text + "x", signature, now), Invalid)


@pytest.mark.parametrize(("major", "minor"), INDEXES)
async def test_a_wallet_takes_the_view_keys_signature_and_we_do_not(wallet, now, major, minor):
    address = address_at(wallet, major, minor)
    signature = sign(wallet, TEXTS[0], major, minor, "view")
    said = wallet.rpc("verify", data=TEXTS[0], address=address, signature=signature)
    assert (said["good"], said["signature_type"]) == (True, "view")
    assert isinstance(await verdict(account(address), TEXTS[0], signature, now), Invalid)


@pytest.mark.parametrize("bend", BENDS)
async def test_a_bent_signature_is_refused_by_both(wallet, now, bend):
    address = address_at(wallet, 0, 1)
    bent = BENDS[bend](base58.decode(sign(wallet, TEXTS[0], 0, 1).removeprefix("SigV2")))
    signature = written(bent)
    assert not wallet.rpc("verify", data=TEXTS[0], address=address, signature=signature)["good"]
    assert isinstance(await verdict(account(address), TEXTS[0], signature, now), Invalid)


async def test_a_signature_of_one_address_is_refused_for_another_by_both(wallet, now):
    signature = sign(wallet, TEXTS[0], 0, 1)
    for major, minor in ((0, 0), (0, 2), (1, 0)):
        address = address_at(wallet, major, minor)
        assert not wallet.rpc("verify", data=TEXTS[0], address=address, signature=signature)["good"]
        assert isinstance(await verdict(account(address), TEXTS[0], signature, now), Invalid)
