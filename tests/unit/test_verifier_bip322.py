"""BIP-322: every kind of wallet in both forms, the shape of what is signed, and time locks."""

import itertools
from base64 import b64decode, b64encode
from dataclasses import replace

import bip322 as peer
import pytest
from coincurve import PublicKey

from chains.account import Account
from chains.accounts import account_of
from chains.bitcoin.script import output_script
from config.registry import Network
from tests.support.vectors import vectors
from tests.support.verifier_bitcoin import (
    ALICE,
    BOB,
    CAROL,
    MAINNET,
    MALLORY,
    ORDER,
    REGTEST,
    TESTNET,
    Taproot,
    ToSign,
    account,
    address_of,
    behind_script_hash,
    ecdsa,
    p2pkh,
    p2sh_multisig,
    p2tr,
    p2wpkh,
    p2wsh,
    p2wsh_multisig,
    schnorr,
    script,
    tapscript,
    to_key_hash,
    verdict,
)
from verifier.bitcoin import bip322
from verifier.bitcoin import signature as bitcoin_signature
from verifier.bitcoin import spend as bitcoin_spend
from verifier.bitcoin import transaction as bip322_transaction
from verifier.bitcoin.signature import schnorr_holds
from verifier.verdict import Inconclusive, Invalid, Valid

MESSAGE = "Enter the event Grüße, 世界 🌍.\nLine two"
SINGLE = script(ALICE.public_key.format(), "CHECKSIG")
WALLETS = {
    "P2PKH": p2pkh(),
    "P2PKH of the long key": p2pkh(compressed=False),
    "P2WPKH": p2wpkh(),
    "P2SH-P2WPKH": behind_script_hash(p2wpkh()),
    "P2TR": p2tr(),
    "P2TR with its hash type": p2tr(kind=1),
    "P2TR that has a script": p2tr(leaf=SINGLE),
    "P2WSH 1 of 1": p2wsh_multisig(1, ALICE),
    "P2WSH 2 of 3": p2wsh_multisig(2, ALICE, BOB, CAROL),
    "P2WSH 2 of 3 by the last two": p2wsh_multisig(2, ALICE, BOB, CAROL, signers=(BOB, CAROL)),
    "P2WSH 3 of 3": p2wsh_multisig(3, ALICE, BOB, CAROL),
    "P2SH-P2WSH 2 of 2": behind_script_hash(p2wsh_multisig(2, ALICE, BOB)),
    "P2SH 2 of 3": p2sh_multisig(2, ALICE, BOB, CAROL),
    "P2WSH of one key": p2wsh(SINGLE, lambda sign: [sign(ALICE)]),
    "tapscript of one key": tapscript(
        Taproot(key=BOB, leaf=script(ALICE.public_key_xonly.format(), "CHECKSIG")), lambda sign: [sign(ALICE)]
    ),
    "tapscript beside another": tapscript(
        Taproot(key=BOB, leaf=script(ALICE.public_key_xonly.format(), "CHECKSIG"), sibling=b"\x01" * 32),
        lambda sign: [sign(ALICE)],
    ),
}
SIMPLE = [name for name, wallet in WALLETS.items() if wallet.has_simple_form]
NETWORKS = {"main": MAINNET, "test": TESTNET, "regtest": REGTEST}


def say(wallet, signature, message="hello", net=MAINNET):
    return verdict(account(wallet.output, net), message, signature)


def on_main(address):
    found = account_of(address, network=Network.MAIN)
    assert isinstance(found, Account)
    return found


# --- what others published ------------------------------------------------------------------------------------------


def test_the_transactions_of_the_bip_have_the_hashes_it_gives():
    for case in vectors("bip322/basic.json")["tx_hashes"]:
        output = output_script(case["address"])
        assert bip322.message_hash(case["message"].encode()).hex() == case["message_hash"]
        assert bip322.outpoint(case["message"], output)[:32][::-1].hex() == case["to_spend_tx_hash"]
        assert ToSign(output=output, message=case["message"]).txid == case["to_sign_tx_hash"]


def test_the_signatures_of_the_bip_are_valid_with_and_without_their_prefix():
    for case in vectors("bip322/basic.json")["simple"]:
        of = on_main(case["address"])
        for signature in case["bip322_signatures"]:
            for spelt in (signature.removeprefix("smp"), "smp" + signature.removeprefix("smp")):
                assert verdict(of, case["message"], spelt) == Valid(account=of, scheme="bip322-simple")


def test_the_errors_of_the_bip_are_invalid():
    for case in vectors("bip322/basic.json")["error"]:
        assert isinstance(verdict(on_main(case["address"]), case["message"], case["signature"]), Invalid), case


# --- every wallet in every form -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "net"), list(itertools.product(SIMPLE, NETWORKS)))
def test_the_simple_form_is_valid_with_and_without_its_prefix(name, net):
    wallet, signed = WALLETS[name], WALLETS[name].signed(MESSAGE)
    expected = Valid(account=account(wallet.output, NETWORKS[net]), scheme="bip322-simple")
    assert say(wallet, "smp" + signed.simple, MESSAGE, NETWORKS[net]) == expected
    assert say(wallet, signed.simple, MESSAGE, NETWORKS[net]) == expected


@pytest.mark.parametrize(("name", "net"), list(itertools.product(WALLETS, NETWORKS)))
@pytest.mark.parametrize("version", [0, 2])
def test_the_full_form_is_valid_with_and_without_its_prefix(name, net, version):
    wallet, signed = WALLETS[name], WALLETS[name].signed(MESSAGE, version=version)
    expected = Valid(account=account(wallet.output, NETWORKS[net]), scheme="bip322-full")
    assert say(wallet, "ful" + signed.full, MESSAGE, NETWORKS[net]) == expected
    assert say(wallet, signed.full, MESSAGE, NETWORKS[net]) == expected  # as Bitcoin Knots signs for P2SH


@pytest.mark.parametrize("name", WALLETS)
def test_no_form_passes_for_another(name):
    wallet, signed = WALLETS[name], WALLETS[name].signed()
    for prefix, form in itertools.product(("smp", "ful", "pof"), (signed.simple, signed.full)):
        if (prefix, form) in (("ful", signed.full), *[("smp", signed.simple)] * wallet.has_simple_form):
            continue
        assert isinstance(say(wallet, prefix + form), Invalid)
    for wrong in ("SMP", "foo", "psb", "smq", " smp", "smp ", "smpsmp", "f", "fu"):
        assert isinstance(say(wallet, wrong + signed.simple), Invalid)
        assert isinstance(say(wallet, wrong + signed.full), Invalid)


@pytest.mark.parametrize("name", WALLETS)
def test_another_text_or_another_wallet_makes_a_signature_invalid(name):
    wallet, signed = WALLETS[name], WALLETS[name].signed()
    forms = ["ful" + signed.full, *["smp" + signed.simple] * wallet.has_simple_form]
    for form in forms:
        assert isinstance(say(wallet, form, "hello "), Invalid)
        assert isinstance(say(wallet, form, ""), Invalid)
        for other in (p2wpkh(BOB), p2tr(MALLORY), p2pkh(BOB), p2wsh_multisig(2, ALICE, BOB), p2sh_multisig(1, BOB)):
            assert isinstance(say(other, form), Invalid)


def test_an_address_without_a_witness_has_no_simple_form():
    for wallet in (WALLETS["P2PKH"], WALLETS["P2SH 2 of 3"]):
        pushed = wallet.signed()
        assert isinstance(say(wallet, pushed.simple), Invalid)
        signature, key = ecdsa(ALICE, pushed.legacy(wallet.output)), ALICE.public_key.format()
        assert isinstance(say(wallet, replace(pushed, witness=(signature, key)).simple), Invalid)


@pytest.mark.parametrize("name", [name for name in SIMPLE if "tapscript" not in name])
def test_the_rust_library_says_the_same_of_the_simple_form(name):
    wallet, signed = WALLETS[name], WALLETS[name].signed(MESSAGE)
    address = address_of(wallet.output)
    if name not in {"P2WSH of one key", "P2SH-P2WSH 2 of 2"}:  # which it does not know
        peer.verify_simple_encoded(address, MESSAGE, signed.simple)  # raises where it fails
    with pytest.raises(peer.VerificationError):
        peer.verify_simple_encoded(address, MESSAGE + ".", signed.simple)
    assert isinstance(say(wallet, signed.simple, MESSAGE + "."), Invalid)


# --- ten ways to bend -----------------------------------------------------------------------------------------------


def _flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _bends(raw):
    """Return ten ways to bend the bytes of a signature; what is signed sits around their middle and their end."""
    return {
        "first bit": _flip(raw, 0),
        "a bit in the middle": _flip(raw, len(raw) // 2),
        "last bit": _flip(raw, len(raw) - 1),
        "cut short": raw[:-1],
        "cut in half": raw[: len(raw) // 2],
        "one byte more": raw + b"\0",
        "twice": raw + raw,
        "backwards": raw[::-1],
        "zeros": bytes(len(raw)),
        "nothing": b"",
    }


@pytest.mark.parametrize("name", WALLETS)
@pytest.mark.parametrize("bend", _bends(b"ab"))
def test_a_bent_signature_is_invalid(name, bend):
    wallet, signed = WALLETS[name], WALLETS[name].signed()
    for prefix, form in (("smp", signed.simple), ("ful", signed.full), ("", signed.simple), ("", signed.full)):
        bent = prefix + b64encode(_bends(b64decode(form))[bend]).decode()
        assert not isinstance(say(wallet, bent), Valid)


# --- the shape of to_sign -------------------------------------------------------------------------------------------

OTHER_SHAPES = {
    "another outpoint": {"index": 1},
    "an output of one satoshi": {"outputs": b"\x01\x01" + bytes(7) + b"\x01\x6a"},
    "an output to anybody": {"outputs": b"\x01" + bytes(8) + b"\x01\x51"},
    "an output that says something": {"outputs": b"\x01" + bytes(8) + b"\x03\x6a\x01a"},
    "two outputs": {"outputs": b"\x02" + (bytes(8) + b"\x01\x6a") * 2},
    "no output": {"outputs": b"\x00"},
    "a second input": {"more_inputs": bytes(36) + b"\x00" + bytes(4)},
}


@pytest.mark.parametrize("shape", OTHER_SHAPES)
@pytest.mark.parametrize("name", WALLETS)
def test_a_transaction_of_another_shape_is_invalid_though_its_signature_holds(name, shape):
    wallet = WALLETS[name]
    signed = wallet.sign(replace(ToSign(output=wallet.output), **OTHER_SHAPES[shape]))
    assert isinstance(say(wallet, "ful" + signed.full), Invalid)


def test_a_transaction_is_written_the_one_way_there_is():
    wallet = WALLETS["P2WPKH"]
    raw = b64decode(wallet.signed().full)
    spellings = {
        "as it is": raw,
        "a length of three bytes": raw[:6] + b"\xfd\x01\x00" + raw[7:],
        "another flag": raw[:5] + b"\x02" + raw[6:],
        "no witness": raw[:4] + raw[6 : 6 + 1 + 41 + 11] + raw[-4:],
        "an empty witness": raw[: 6 + 1 + 41 + 11] + b"\x00" + raw[-4:],
    }
    found = {name: type(say(wallet, "ful" + b64encode(spelt).decode())) for name, spelt in spellings.items()}
    assert found == dict.fromkeys(spellings, Invalid) | {"as it is": Valid}


def test_a_witness_stack_is_written_the_one_way_there_is():
    wallet = WALLETS["P2WPKH"]
    raw = b64decode(wallet.signed().simple)
    for spelt in (
        b"\xfd\x02\x00" + raw[1:],
        raw + b"\0",
        b"\x03" + raw[1:] + b"\0",
        raw[:1] + b"\xfd" + raw[1:2] + b"\0",
    ):
        assert isinstance(say(wallet, b64encode(spelt).decode()), Invalid)


def test_an_input_script_beside_a_witness_is_invalid():
    signed = WALLETS["P2WPKH"].signed()
    assert isinstance(say(WALLETS["P2WPKH"], "ful" + replace(signed, script_sig=b"\x51").full), Invalid)
    nested = WALLETS["P2SH-P2WPKH"].signed()
    longer = replace(nested, script_sig=b"\x51" + nested.script_sig)
    assert isinstance(say(WALLETS["P2SH-P2WPKH"], "ful" + longer.full), Invalid)
    assert isinstance(say(WALLETS["P2SH-P2WPKH"], "ful" + replace(nested, script_sig=b"").full), Invalid)


def test_a_witness_beside_an_input_script_is_invalid():
    for name in ("P2PKH", "P2SH 2 of 3"):
        signed = replace(WALLETS[name].signed(), witness=(b"\x01",))
        assert isinstance(say(WALLETS[name], "ful" + signed.full), Invalid)


# --- versions and time locks ----------------------------------------------------------------------------------------

LOCKS = {
    "height": ({"lock_time": 2016, "version": 2}, "valid at time 2016 (block 2016) and age 0 (0 blocks)"),
    "age in blocks": ({"sequence": 2016, "version": 2}, "valid at time 0 (block 0) and age 2016 (2016 blocks)"),
    "both": (
        {"lock_time": 2016, "sequence": 2016, "version": 2},
        "valid at time 2016 (block 2016) and age 2016 (2016 blocks)",
    ),
    "time": (
        {"lock_time": 1_795_176_000},
        "valid at time 1795176000 (2026-11-20T12:00:00Z) and age 0 (0 blocks)",
    ),
    "the last second": (
        {"lock_time": 0xFFFFFFFF},
        "valid at time 4294967295 (2106-02-07T06:28:15Z) and age 0 (0 blocks)",
    ),
    "age in time": (
        {"sequence": 1 << 22 | 10, "version": 2},
        "valid at time 0 (block 0) and age 4194314 (5120 seconds)",
    ),
    "height, no age": (
        {"lock_time": 1, "sequence": 0xFFFFFFFF},
        "valid at time 1 (block 1) and age 4294967295 (none)",
    ),
}


@pytest.mark.parametrize("name", WALLETS)
@pytest.mark.parametrize("lock", LOCKS)
def test_a_signature_under_a_time_lock_is_inconclusive_and_names_the_time(name, lock):
    fields, told = LOCKS[lock]
    found = say(WALLETS[name], "ful" + WALLETS[name].signed(**fields).full)
    assert found == Inconclusive(reason=f"the signature is under a time lock: {told}", passing=False)


@pytest.mark.parametrize("name", WALLETS)
def test_a_bad_signature_under_a_time_lock_is_invalid(name):
    signed = WALLETS[name].signed(lock_time=2016)
    assert isinstance(say(WALLETS[name], "ful" + replace(signed, lock_time=0).full), Invalid)
    assert isinstance(say(WALLETS[name], "ful" + replace(signed, sequence=1).full), Invalid)
    assert isinstance(say(WALLETS[name], "ful" + signed.full, "other"), Invalid)


@pytest.mark.parametrize("sequence", [1 << 31, 0xFFFFFFFF, 0xFFFFFFFD])
def test_a_sequence_that_locks_nothing_is_no_lock(sequence):
    assert isinstance(say(WALLETS["P2TR"], "ful" + WALLETS["P2TR"].signed(sequence=sequence).full), Valid)


@pytest.mark.parametrize("version", [1, 3, 1 << 31, 0xFFFFFFFF])
def test_a_version_without_a_meaning_is_inconclusive(version):
    found = say(WALLETS["P2WPKH"], "ful" + WALLETS["P2WPKH"].signed(version=version).full)
    assert found == Inconclusive(reason="this version of transactions has no meaning yet", passing=False)


def test_without_the_look_at_the_locks_a_future_signature_would_open_the_door_today(monkeypatch):
    signed = WALLETS["P2TR"].signed(lock_time=2016)
    monkeypatch.setattr(bip322, "_lock", lambda _to_sign: None)
    assert isinstance(say(WALLETS["P2TR"], "ful" + signed.full), Valid)


# --- guards taken away ----------------------------------------------------------------------------------------------


def test_without_the_check_of_the_end_one_signature_would_have_endless_spellings(monkeypatch):
    longer = b64encode(b64decode(WALLETS["P2WPKH"].signed().simple) + b"rest").decode()
    assert isinstance(say(WALLETS["P2WPKH"], longer), Invalid)
    peer.verify_simple_encoded(address_of(WALLETS["P2WPKH"].output), "hello", longer)  # which lets it pass
    monkeypatch.setattr(bip322_transaction._Reader, "finish", lambda _reader: None)
    assert isinstance(say(WALLETS["P2WPKH"], longer), Valid)


def test_without_the_comparison_of_outpoints_a_signature_would_be_good_for_any_text(monkeypatch):
    signed = "ful" + WALLETS["P2WPKH"].signed("another text").full
    assert isinstance(say(WALLETS["P2WPKH"], signed), Invalid)
    outpoint = WALLETS["P2WPKH"].signed("another text").outpoint
    monkeypatch.setattr(bip322, "outpoint", lambda _message, _script: outpoint)
    assert isinstance(say(WALLETS["P2WPKH"], signed), Valid)


@pytest.mark.parametrize("kind", [0, 2, 3, 0x81, 0x82, 0x83])
def test_a_signature_that_does_not_cover_all_is_invalid(kind):
    public = ALICE.public_key.format()
    tx = ToSign(output=p2wpkh().output)
    signed = replace(tx, witness=(ecdsa(ALICE, tx.segwit(p2pkh().output, kind), kind), public))
    assert isinstance(say(p2wpkh(), signed.simple), Invalid)
    signed = WALLETS["P2WSH 1 of 1"].signed()
    code = signed.witness[-1]
    signed = replace(signed, witness=(b"", ecdsa(ALICE, signed.segwit(code, kind), kind), code))
    assert isinstance(say(WALLETS["P2WSH 1 of 1"], signed.simple), Invalid)


@pytest.mark.parametrize("kind", [2, 3, 0x81, 0x82, 0x83])
def test_a_taproot_signature_that_does_not_cover_all_is_invalid(kind):
    assert isinstance(say(p2tr(kind=kind), p2tr(kind=kind).signed().simple), Invalid)


def test_the_hash_type_zero_is_never_written_out():
    signed = p2tr().signed()
    spelt_out = replace(signed, witness=(signed.witness[0] + b"\0",))
    peer.verify_simple_encoded(address_of(p2tr().output), "hello", spelt_out.simple)  # which lets it pass
    assert isinstance(say(p2tr(), spelt_out.simple), Invalid)


def test_without_the_check_of_the_hash_type_it_would_pass(monkeypatch):
    signed = p2tr().signed()
    spelt_out = replace(signed, witness=(signed.witness[0] + b"\0",))
    monkeypatch.setattr(
        bitcoin_spend, "schnorr_holds", lambda signature, key, sighash: schnorr_holds(signature[:64], key, sighash)
    )
    assert isinstance(say(p2tr(), spelt_out.simple), Valid)


def test_the_twin_with_the_high_s_is_invalid_since_bip_322_requires_the_low_one():
    signed = WALLETS["P2WPKH"].signed()
    signature, key = signed.witness
    length = signature[3]
    r, s = signature[4 : 4 + length], int.from_bytes(signature[6 + length : -1])
    high = (ORDER - s).to_bytes(33).lstrip(b"\0")
    high = b"\0" + high if high[0] & 0x80 else high
    body = b"\x02" + bytes([len(r)]) + r + b"\x02" + bytes([len(high)]) + high
    twin = b"\x30" + bytes([len(body)]) + body + b"\x01"
    assert isinstance(say(WALLETS["P2WPKH"], replace(signed, witness=(twin, key)).simple), Invalid)


def test_der_is_read_strictly():
    signed = WALLETS["P2WPKH"].signed()
    signature, key = signed.witness
    body = signature[2:-1]
    for bent in (
        signature[:-1],  # no hash type
        b"\x30" + bytes([len(body) + 1]) + body + b"\0\x01",
        b"\x30\x81" + bytes([len(body)]) + body + b"\x01",
        b"\x30" + bytes([len(body) + 1]) + b"\x02" + bytes([body[1] + 1]) + b"\0" + body[2:] + b"\x01",
        b"\x31" + signature[1:],
        signature[:-1] + b"\0\x01",
    ):
        assert isinstance(say(WALLETS["P2WPKH"], replace(signed, witness=(bent, key)).simple), Invalid)


def test_a_witness_program_takes_the_short_form_of_a_key_alone():
    public = ALICE.public_key.format(compressed=False)
    output = script(0, bitcoin_spend.hash160(public))
    tx = ToSign(output=output)
    signed = replace(tx, witness=(ecdsa(ALICE, tx.segwit(p2pkh(compressed=False).output)), public))
    assert isinstance(verdict(account(output), "hello", signed.simple), Invalid)


def test_a_key_in_the_hybrid_form_is_none_though_the_curve_knows_it():
    public = ALICE.public_key.format(compressed=False)
    hybrid = bytes([6 | public[-1] & 1]) + public[1:]
    assert PublicKey(hybrid) == ALICE.public_key
    for key, expected in ((public, Valid), (hybrid, Invalid)):
        output = to_key_hash(key)
        tx = ToSign(output=output)
        signed = replace(tx, script_sig=script(ecdsa(ALICE, tx.legacy(output)), key))
        assert isinstance(verdict(account(output), "hello", f"ful{signed.full}"), expected)


@pytest.mark.parametrize(
    "control",
    [
        lambda good: good[:-1],
        lambda good: good + b"\0",
        lambda good: good + bytes(32),
        lambda good: bytes([good[0] ^ 1]) + good[1:],  # the other parity
        lambda good: good[:1] + b"\xff" * 32 + good[33:],  # no point of the curve
        lambda good: good[:33] + bytes(32 * 129),  # deeper than a tree may be
        lambda _good: b"",
    ],
)
def test_a_script_that_the_key_does_not_commit_to_is_invalid(control):
    signed = WALLETS["tapscript beside another"].signed()
    bent = replace(signed, witness=(*signed.witness[:-1], control(signed.witness[-1])))
    assert isinstance(say(WALLETS["tapscript beside another"], bent.simple), Invalid)


def test_without_that_commitment_anybody_could_bring_a_script(monkeypatch):
    stranger = Taproot(key=MALLORY, leaf=script(MALLORY.public_key_xonly.format(), "CHECKSIG"))
    tx = ToSign(output=p2tr().output)
    signature = schnorr(MALLORY, tx.taproot(0, stranger.leaf_hash))
    signed = replace(tx, witness=(signature, stranger.leaf, stranger.control))
    assert isinstance(say(p2tr(), signed.simple), Invalid)
    monkeypatch.setattr(bitcoin_spend, "_commits", lambda _key, _leaf, _control: True)
    assert isinstance(say(p2tr(), signed.simple), Valid)


def test_without_the_key_in_the_address_anybody_could_sign(monkeypatch):
    signed = replace(p2wpkh(MALLORY).signed(), output=p2wpkh().output)
    signed = replace(signed, witness=(ecdsa(MALLORY, signed.segwit(p2pkh().output)), MALLORY.public_key.format()))
    assert isinstance(say(p2wpkh(), signed.simple), Invalid)
    monkeypatch.setattr(bitcoin_spend, "hash160", lambda _key: p2wpkh().output[2:])
    assert isinstance(say(p2wpkh(), signed.simple), Valid)


def test_schnorr_and_ecdsa_say_no_to_what_is_no_key():
    assert not schnorr_holds(schnorr(ALICE, bytes(32)), b"\xff" * 32, lambda _kind: bytes(32))
    assert not bitcoin_signature.ecdsa_holds(ecdsa(ALICE, bytes(32)), b"\x02" + b"\xff" * 32, bytes(32))
