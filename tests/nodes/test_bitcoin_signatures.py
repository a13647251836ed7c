"""Bitcoin Knots signs texts with its wallet, and judges what other wallets signed: it and the verifier say the same."""

import pytest

from chains.account import Account
from chains.accounts import account_of
from config.registry import Network
from tests.support.bitcoind import MINER, bitcoind_node
from tests.support.verifier_bitcoin import (
    ALICE,
    BOB,
    CAROL,
    REGTEST,
    Taproot,
    account,
    address_of,
    behind_script_hash,
    p2pkh,
    p2sh_multisig,
    p2tr,
    p2wpkh,
    p2wsh,
    p2wsh_multisig,
    script,
    tapscript,
    verdict,
)
from verifier.verdict import Inconclusive, Valid

TEXT = "Access event 7 at 1795176000000\nGrüße, 世界 🌍"
XA = ALICE.public_key_xonly.format()
WALLETS = {
    "P2PKH": p2pkh(),
    "P2PKH of the long key": p2pkh(compressed=False),
    "P2WPKH": p2wpkh(),
    "P2SH-P2WPKH": behind_script_hash(p2wpkh()),
    "P2TR": p2tr(),
    "P2TR with its hash type": p2tr(kind=1),
    "P2WSH 2 of 3": p2wsh_multisig(2, ALICE, BOB, CAROL),
    "P2SH-P2WSH 2 of 2": behind_script_hash(p2wsh_multisig(2, ALICE, BOB)),
    "P2SH 2 of 3": p2sh_multisig(2, ALICE, BOB, CAROL),
    "P2WSH with branches": p2wsh(
        script("IF", ALICE.public_key.format(), "ELSE", BOB.public_key.format(), "ENDIF", "CHECKSIG"),
        lambda sign: [sign(BOB), b""],
    ),
    "tapscript": tapscript(
        Taproot(key=BOB, leaf=script(XA, "CHECKSIG"), sibling=b"\x07" * 32), lambda sign: [sign(ALICE)]
    ),
}


@pytest.fixture(scope="module")
def node():
    with bitcoind_node(blocks=0) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("legacy", "bip137"),
        ("p2sh-segwit", "bip322-full"),  # without a prefix
        ("bech32", "bip322-simple"),
        ("bech32m", "bip322-simple"),
    ],
)
def test_what_the_nodes_wallet_signs_is_valid_for_its_text_alone(node, kind, scheme):
    address = node.address(kind)
    signature = node.rpc("signmessage", address, TEXT, wallet=MINER)
    of = account_of(address, network=Network.TEST)
    assert isinstance(of, Account)
    assert verdict(of, TEXT, signature) == Valid(account=of, scheme=scheme)
    assert not isinstance(verdict(of, TEXT + " ", signature), Valid)


@pytest.mark.parametrize("name", WALLETS)
def test_the_node_and_the_verifier_agree_on_every_wallet(node, name):
    wallet = WALLETS[name]
    of, address = account(wallet.output, REGTEST), address_of(wallet.output, REGTEST)
    signed = wallet.signed(TEXT)
    for form in [signed.full, *[signed.simple] * wallet.has_simple_form]:
        if form != signed.simple or name not in {"P2SH-P2WPKH", "P2SH-P2WSH 2 of 2"}:  # which it takes in full alone
            assert node.rpc("verifymessage", address, form, TEXT) is True
        assert isinstance(verdict(of, TEXT, form), Valid)
        assert node.rpc("verifymessage", address, form, TEXT + " ") is False
        assert not isinstance(verdict(of, TEXT + " ", form), Valid)


def test_a_signature_under_a_time_lock_holds_for_the_node_and_is_not_valid_yet_for_the_verifier(node):
    wallet = WALLETS["P2WPKH"]
    signed = wallet.signed(TEXT, lock_time=2016, sequence=2016, version=2)
    assert node.rpc("verifymessage", address_of(wallet.output, REGTEST), signed.full, TEXT) is True
    assert isinstance(verdict(account(wallet.output, REGTEST), TEXT, "ful" + signed.full), Inconclusive)
