"""Monero's signed messages: both forms, standard and subaddresses, the spend key alone."""

import pytest
from nacl import bindings

from chains.account import NotAnAccount
from chains.accounts import account_of
from chains.monero import address as monero_address
from chains.monero import base58
from config.keccak import keccak256
from config.registry import Network
from tests.support.verifier_signers import (
    BENDS,
    ORDER,
    MoneroKeys,
    account,
    scalar,
    schnorr,
    times_base,
    verdict,
    written,
)
from verifier import monero
from verifier.verdict import Invalid, Valid

ALICE = MoneroKeys(
    spend=int.from_bytes(bytes.fromhex("8ef26aced8b5f8e1e8ce63b6c75ac6ee41424242424242424242424242424202"), "little"),
    view=int.from_bytes(bytes.fromhex("972874ae95f5c167285858141e940847398f9c246c7913c0d396b6d73b484105"), "little"),
)
"""The keys that ckb-auth's documentation gives to monero-wallet-cli, with the address that this makes of them."""
ADDRESS = "41eBLjYsK28CJD5z2b7FojMCDg6vERASShVZqAvnsC9LhS7saG8CmMo5Rm92wgnT8wa6nJVu57MHHjmnoyvTpCG7NQ7dErc"
MALLORY = MoneroKeys(spend=6 * 7**70, view=5 * 11**60)
SUBADDRESS = ALICE.subaddress(1, 7)
TEXT = "Access event 42 at 1795176000000"
SIGN_IN = f"""\
tickets.example wants you to sign in with your Monero account:
{ADDRESS}

Enter the event Neon Night. This signature opens the door once and moves no money.

URI: https://tickets.example/event/17
Version: 1
Chain ID: 418015bb9ae982a1975da7d79277c270
Nonce: a1b2c3d4e5f60718
Issued At: 2026-11-20T12:00:00Z
Expiration Time: 2026-11-20T12:05:00Z
Resources:
- urn:usher:purpose:join
- urn:usher:event:17"""


def scheme(version):
    return f"monero-v{version}"


# --- what other people's wallets signed -----------------------------------------------------------------------------

PUBLISHED = {
    "monero-wallet-rpc's guide, testnet, V1": (
        "9sS8eRU2b5ZbN2FPSrpkiab1bjbHE5XtL6Ti6We3Fhw5aQPudRfVVypjgzKDNkxtvTQZSPs122NKggb2mqcqkKSeMNVu59S",
        "This is sample data to be signed",
        "SigV1Xp61ZkGguxSCHpkYEVw9eaWfRfSoAf36PCsSCApx4DUrKWHEqM9CdNwjeuhJii6LHDVDFxvTPijFsj3L8NDQp1TV",
    ),
    "neroshop's specification, a listing": (
        "5ARm5QSDW3uWT8EEeoQ5mHghcw82SqYrUHzS99CS1TaxY3XDMGCyeDUN59veZwYfLCNH6mvvzKwJYiLv7Bag1Swn7sSEF9e",
        "44d7f6f9-9a94-4fd9-84ad-7dc22a182ada",
        "SigV2bo1rMpaK9xeWU6CEuSnSCJ7buT8qANS8gUsjRx4wVpqpdxwj7LbLitkjYfD1NJeYmvJndYM9bUe2qWGrn7W35ebz",
    ),
    "neroshop's specification, a user": (
        "5ARm5QSDW3uWT8EEeoQ5mHghcw82SqYrUHzS99CS1TaxY3XDMGCyeDUN59veZwYfLCNH6mvvzKwJYiLv7Bag1Swn7sSEF9e",
        "5ARm5QSDW3uWT8EEeoQ5mHghcw82SqYrUHzS99CS1TaxY3XDMGCyeDUN59veZwYfLCNH6mvvzKwJYiLv7Bag1Swn7sSEF9e",
        "SigV2PagGh1SMm7KVrahMXeb7177Mzox7RHr1ciS1juk5WLfWatZiEods4ougHZKzgujp1oYhtG2vDguYcH3ac5zMYtjY",
    ),
    "neroshop's specification, a rating": (
        "59HiXx4PNJDd4sWVWhWtqb8m9pB7Huyc9HgybAwjFGkj27HozxkaLXNDhFH4wtzfYCe8GLzhA5YUHPUGWnjfRhvdL5HHE1C",
        "This product is aiight",
        "SigV2BExHYCAKkhoTbC3L4tx2EeHTaz2ZAtLfu7YgWcu1Ex3JXVk4X8XssfPE3TLBSQGRNLFENo4iAMa3gFV3u3bKoEvY",
    ),
    "neroshop's specification, a seller's rating": (
        "59JKGvtkpPQ7UocLgK5UV79GTEYJqDsJMgF9CiKmmms858VKvVvx1uX8DfXKYLWtoK9LVL38WQgf1JVn8yGWXZuJJzVwWGt",
        "I love you!!!",
        "SigV2idt52jHJfAic6ccT5yQwkJ3iP7cmNZ8Y1DYFBoQme9C9foRBzM4b2XeZwCQyCwvoDPM4xbWQ3FBP9NvVCBMe6gkr",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
async def test_a_published_signature_is_valid_for_its_text_and_address_alone(now, name):
    address, text, signature = PUBLISHED[name]
    owner = account(address, Network.TEST)
    assert await verdict(owner, text, signature, now) == Valid(account=owner, scheme=scheme(signature[4]))
    assert isinstance(await verdict(owner, text + "x", signature, now), Invalid)
    assert isinstance(await verdict(ALICE.account, text, signature, now), Invalid)
    other = signature.replace("SigV2", "SigV9").replace("SigV1", "SigV2").replace("SigV9", "SigV1")
    assert isinstance(await verdict(owner, text, other, now), Invalid)


def test_a_published_signature_of_bytes_holds():
    """From ckb-auth's documentation: 32 bytes that are no text, signed by monero-wallet-cli."""
    keys = monero_address.canonical(ADDRESS, Network.MAIN)
    signature = base58.decode(
        "3ZKheximq145tW14dshL17Jpqp2GJn296GfRnGqt3pMeaZU7xoEEAFr2Xm7Jc7xZjYWf6KhstZanA73to7uF6rea"
    )
    signed = bytes.fromhex("157ea09579f09cf96307f6b23d6fd61c3cff123076d44c27e2e9bedf02135e87")
    hashed = monero.message_hash(signed, spend=keys[1:33], view=keys[33:])
    assert monero.holds(keys[1:33], hashed, signature)
    assert not monero.holds(keys[33:], hashed, signature)


# --- keys of our own --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [ALICE, SUBADDRESS, MALLORY.subaddress(0, 1)], ids=["standard", "sub", "another's"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("text", [TEXT, "", "Тест ✓", "x" * 127, "x" * 128, "x" * 20_000])
async def test_the_spend_key_of_an_address_opens(now, keys, version, text):
    signature = written(keys.sign(text, version=version), version=version)
    assert await verdict(keys.account, text, signature, now) == Valid(account=keys.account, scheme=scheme(version))


def test_the_addresses_are_those_that_wallets_show():
    assert ALICE.account.address == ADDRESS
    assert SUBADDRESS.account.address.startswith("8")


async def test_a_sign_in_is_signed_and_held_to_what_it_says(now):
    good = await verdict(ALICE.account, SIGN_IN, written(ALICE.sign(SIGN_IN)), now)
    assert good == Valid(account=ALICE.account, scheme="monero-v2")
    for changed in (
        SIGN_IN.replace(ADDRESS, MALLORY.account.address),
        SIGN_IN.replace("Version: 1", "Version: 2"),
        SIGN_IN.replace("12:05:00Z", "11:05:00Z"),
    ):
        assert isinstance(await verdict(ALICE.account, changed, written(ALICE.sign(changed)), now), Invalid)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("keys", [ALICE, MALLORY], ids=["alice", "mallory"])
async def test_whoever_may_watch_cannot_enter(now, version, keys):
    """`verify` in wallets takes the view key's signature, too: it holds, and it proves nothing."""
    raw = keys.sign(TEXT, version=version, by_view_key=True)
    assert monero.holds(keys.view_public, keys.hashed(TEXT.encode(), version=version, mode=1), raw)
    assert isinstance(await verdict(keys.account, TEXT, written(raw, version=version), now), Invalid)


async def test_the_view_key_cannot_sign_in_the_spend_keys_mode_either(now):
    raw = schnorr(ALICE.view, ALICE.hashed(TEXT.encode(), version=2, mode=0), 7**77)
    assert isinstance(await verdict(ALICE.account, TEXT, written(raw), now), Invalid)


async def test_the_main_address_does_not_sign_for_a_subaddress_nor_the_other_way_round(now):
    for signer, named in ((ALICE, SUBADDRESS), (SUBADDRESS, ALICE), (SUBADDRESS, ALICE.subaddress(1, 8))):
        for version in (1, 2):
            signature = written(signer.sign(TEXT, version=version), version=version)
            assert isinstance(await verdict(named.account, TEXT, signature, now), Invalid)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("bend", BENDS)
async def test_a_bent_signature_is_invalid(now, bend, version):
    bent = written(BENDS[bend](ALICE.sign(TEXT, version=version)), version=version)
    assert isinstance(await verdict(ALICE.account, TEXT, bent, now), Invalid)


GOOD = written(ALICE.sign(TEXT))


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "SigV2",
        GOOD[5:],
        GOOD + "x",
        GOOD + "\n",
        " " + GOOD,
        GOOD[:-1],
        GOOD.replace("SigV2", "sigV2"),
        GOOD.replace("SigV2", "SigV3"),
        GOOD.replace("SigV2", "SigV1"),
        "SigMultisigPkV1" + GOOD[5:],
        GOOD[:-1] + "0",
        GOOD[:5] + "z" * 88,  # digits that stand for more than eight bytes
        GOOD[:5] + GOOD[5:].replace("1", "l"),
        "SigV2" + "1" * 88,
        "SigV2" + "é" * 88,
        "SigV2" + "x" * 1_000_000,
        "\ud800",
    ],
)
async def test_what_is_no_spelling_of_a_signature_is_invalid(now, spelling):
    assert spelling != GOOD
    assert isinstance(await verdict(ALICE.account, TEXT, spelling, now), Invalid)


async def test_a_text_that_is_no_unicode_is_invalid(now):
    assert await verdict(ALICE.account, "\udfff", GOOD, now) == Invalid(reason="the message is no Unicode text")


def test_an_integrated_address_is_nobody():
    integrated = monero_address.integrated(ADDRESS, "0123456789abcdef", Network.MAIN)
    assert isinstance(account_of(integrated, network=Network.MAIN), NotAnAccount)


# --- scalars and points -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", [0, 1])
async def test_a_scalar_beyond_the_order_is_another_spelling_and_invalid(now, half, monkeypatch):
    raw = ALICE.sign(TEXT)
    c, r = (int.from_bytes(part, "little") for part in (raw[:32], raw[32:]))
    twin = scalar(c + (half == 0) * ORDER) + scalar(r + (half == 1) * ORDER)
    assert isinstance(await verdict(ALICE.account, TEXT, written(twin), now), Invalid)
    monkeypatch.setattr(monero, "_is_reduced", lambda _scalar: True)
    beyond = await verdict(ALICE.account, TEXT, written(twin), now)
    assert isinstance(beyond, Valid) is (half == 1)  # c is compared as a number, so that it has one spelling anyway


def zero_scalars():
    raw = ALICE.sign(TEXT)
    return [bytes(32) + raw[32:], raw[:32] + bytes(32), bytes(64)]


@pytest.mark.parametrize("raw", zero_scalars(), ids=["c", "r", "both"])
async def test_a_scalar_of_zero_is_invalid(now, raw):
    assert isinstance(await verdict(ALICE.account, TEXT, written(raw), now), Invalid)


IDENTITY = b"\1" + bytes(31)
OF_ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


def account_with(spend_key):
    return account(monero_address.display(bytes([18]) + spend_key + ALICE.view_public))


async def test_no_one_can_sign_for_a_key_of_small_order(now):
    """With the identity as key, cP + rG is rG whatever c: anybody makes what the equation asks for."""
    victim = account_with(IDENTITY)
    hashed = monero.message_hash(TEXT.encode(), spend=IDENTITY, view=ALICE.view_public)
    r = 7**77 % ORDER
    c = int.from_bytes(keccak256(hashed + IDENTITY + times_base(r)), "little") % ORDER
    forged = scalar(c) + scalar(r)
    assert isinstance(await verdict(victim, TEXT, written(forged), now), Invalid)


@pytest.mark.parametrize(
    "key",
    [
        OF_ORDER_8,
        bytes(32),
        bytes.fromhex("ed" + "ff" * 30 + "7f"),  # zero in another encoding
        bytes([2]) + bytes(31),  # no point of the curve
        b"\xff" * 32,
        bindings.crypto_core_ed25519_add(ALICE.spend_public, OF_ORDER_8),  # of full order, outside of the group
    ],
    ids=["order 8", "order 4", "another encoding", "no point", "no number", "with torsion"],
)
async def test_a_key_outside_of_the_group_signs_nothing(now, key):
    hashed = monero.message_hash(TEXT.encode(), spend=key, view=ALICE.view_public)
    raw = schnorr(ALICE.spend, hashed, 7**77)
    assert isinstance(await verdict(account_with(key), TEXT, written(raw), now), Invalid)


async def test_a_commitment_to_nothing_is_invalid(now):
    """c and r such that cP + rG is the identity, as wallets refuse it: whoever knows p chooses r = -cp."""
    hashed = ALICE.hashed(TEXT.encode(), version=2)
    c = int.from_bytes(keccak256(hashed + ALICE.spend_public + IDENTITY), "little") % ORDER
    raw = scalar(c) + scalar(-c * ALICE.spend % ORDER)
    assert isinstance(await verdict(ALICE.account, TEXT, written(raw), now), Invalid)
