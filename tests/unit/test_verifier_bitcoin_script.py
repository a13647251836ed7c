"""Scripts under BIP-322: what wallets write runs, what a rule forbids is invalid, the rest is not decided."""

from dataclasses import replace

import pytest

from tests.support.verifier_bitcoin import (
    ALICE,
    BOB,
    CAROL,
    MALLORY,
    Taproot,
    ToSign,
    account,
    ecdsa,
    hash160,
    little,
    multisig,
    p2pkh,
    p2wpkh,
    p2wsh,
    p2wsh_multisig,
    push,
    schnorr,
    script,
    sha256,
    sha256d,
    tagged,
    tapscript,
    to_script_hash,
    verdict,
)
from verifier.bitcoin import machine as bitcoin_machine
from verifier.bitcoin import opcodes as bitcoin_opcodes
from verifier.bitcoin import script as bitcoin_script
from verifier.bitcoin import spend as bitcoin_spend
from verifier.verdict import Inconclusive, Invalid, Valid

A, B, C = (key.public_key.format() for key in (ALICE, BOB, CAROL))
XA, XB, XC = (key.public_key_xonly.format() for key in (ALICE, BOB, CAROL))
SECRET = b"\x42" * 32


def say(wallet, signed):
    return verdict(account(wallet.output), signed.message, "ful" + signed.full)


def segwit(code, given, **fields):
    """Return the verdict on a witness script."""
    wallet = p2wsh(code, given)
    return say(wallet, wallet.signed(**fields))


def tap(code, given, **fields):
    """Return the verdict on a tapscript."""
    wallet = tapscript(Taproot(key=MALLORY, leaf=code), given)
    return say(wallet, wallet.signed(**fields))


def legacy(code, given, **fields):
    """Return the verdict on a script behind P2SH; `given` makes the pushes before it."""
    tx = ToSign(output=to_script_hash(code), **fields)
    given_elements = given(lambda key: ecdsa(key, tx.legacy(code)))
    signed = replace(tx, script_sig=b"".join(map(push, given_elements)) + script(code))
    return verdict(account(tx.output), tx.message, "ful" + signed.full)


# --- what wallets write ---------------------------------------------------------------------------------------------

VAULT = script(A, "CHECKSIG", "IFDUP", "NOTIF", B, "CHECKSIGVERIFY", b"\x90\x00", "CSV", "ENDIF")
"""Liana's policy: the owner at once, the heir after 144 blocks."""
LND = script("IF", A, "ELSE", b"\xe0\x07", "CSV", "DROP", B, "ENDIF", "CHECKSIG")
"""The script of the BIP's own vectors."""

SPENDS = {
    "pk": (script(A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "pkh": (script("DUP", "HASH160", hash160(A), "EQUALVERIFY", "CHECKSIG"), lambda sign: [sign(ALICE), A]),
    "1 of 2": (multisig(1, ALICE, BOB), lambda sign: [b"", sign(BOB)]),
    "2 of 3": (multisig(2, ALICE, BOB, CAROL), lambda sign: [b"", sign(ALICE), sign(CAROL)]),
    "one key twice": (multisig(2, ALICE, ALICE), lambda sign: [b"", sign(ALICE), sign(ALICE)]),
    "both of two": (script(A, "CHECKSIGVERIFY", B, "CHECKSIG"), lambda sign: [sign(BOB), sign(ALICE)]),
    "either, the first": (script("IF", A, "ELSE", B, "ENDIF", "CHECKSIG"), lambda sign: [sign(ALICE), b"\x01"]),
    "either, the second": (script("IF", A, "ELSE", B, "ENDIF", "CHECKSIG"), lambda sign: [sign(BOB), b""]),
    "not if": (script("NOTIF", A, "ELSE", B, "ENDIF", "CHECKSIG"), lambda sign: [sign(ALICE), b""]),
    "nested branches": (
        script("IF", "IF", A, "ELSE", B, "ENDIF", "ELSE", C, "ENDIF", "CHECKSIG"),
        lambda sign: [sign(BOB), b"", b"\x01"],
    ),
    "a branch within one not taken": (
        script("IF", "IF", A, "ELSE", B, "ENDIF", "ELSE", C, "ENDIF", "CHECKSIG"),
        lambda sign: [sign(CAROL), b""],
    ),
    "or else": (VAULT, lambda sign: [sign(ALICE)]),
    "two of three by adding": (
        script(A, "CHECKSIG", "SWAP", B, "CHECKSIG", "ADD", "SWAP", C, "CHECKSIG", "ADD", 2, "EQUAL"),
        lambda sign: [sign(CAROL), b"", sign(ALICE)],
    ),
    "and by boolean": (
        script(A, "CHECKSIG", "TOALTSTACK", B, "CHECKSIG", "FROMALTSTACK", "BOOLAND"),
        lambda sign: [sign(BOB), sign(ALICE)],
    ),
    "or by boolean": (
        script(A, "CHECKSIG", "TOALTSTACK", B, "CHECKSIG", "FROMALTSTACK", "BOOLOR"),
        lambda sign: [b"", sign(ALICE)],
    ),
    "a secret": (
        script("SIZE", b"\x20", "EQUALVERIFY", "SHA256", sha256(SECRET), "EQUALVERIFY", A, "CHECKSIG"),
        lambda sign: [sign(ALICE), SECRET],
    ),
    "other hashes": (
        script("DUP", "HASH256", sha256d(SECRET), "EQUALVERIFY", "SHA256", "RIPEMD160", hash160(SECRET), "EQUALVERIFY")
        + script(A, "CHECKSIG"),
        lambda sign: [sign(ALICE), SECRET],
    ),
    "a size that is not zero": (
        script("SIZE", "0NOTEQUAL", "IF", A, "CHECKSIG", "ENDIF", "NOP"),
        lambda sign: [sign(ALICE)],
    ),
    "numbers": (script(2, 3, "ADD", 5, "NUMEQUALVERIFY", A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "the BIP's own, first": (LND, lambda sign: [sign(ALICE), b"\x01"]),
}


def for_tapscript(code, given):
    """Return the same spend with keys as tapscript writes them."""
    for compressed, x_only in ((A, XA), (B, XB), (C, XC)):
        code = code.replace(script(compressed), script(x_only)).replace(hash160(compressed), hash160(x_only))
    short = {A: XA, B: XB, C: XC}
    return code, lambda sign: [short.get(element, element) for element in given(sign)]


@pytest.mark.parametrize("spend", SPENDS)
def test_the_scripts_of_wallets_are_satisfied(spend):
    code, given = SPENDS[spend]
    assert isinstance(segwit(code, given), Valid)
    assert isinstance(legacy(code, given), Valid)
    if b"\xae" not in code:  # OP_CHECKMULTISIG is not in tapscript
        assert isinstance(tap(*for_tapscript(code, given)), Valid)


@pytest.mark.parametrize("spend", SPENDS)
def test_and_by_nobody_elses_signature(spend):
    code, given = SPENDS[spend]
    for run in (segwit, legacy):
        assert isinstance(run(code, lambda sign, given=given: given(lambda _key: sign(MALLORY))), Invalid)
        assert isinstance(run(code, lambda sign, given=given: given(sign)[1:]), Invalid)
        assert isinstance(run(code, lambda sign, given=given: [*given(sign), b"\x01"]), Invalid)


def test_in_tapscript_several_keys_are_counted_one_by_one():
    code = script(XA, "CHECKSIG", XB, "CHECKSIGADD", XC, "CHECKSIGADD", 2, "NUMEQUAL")
    assert isinstance(tap(code, lambda sign: [sign(CAROL), b"", sign(ALICE)]), Valid)
    assert isinstance(tap(code, lambda sign: [b"", b"", sign(ALICE)]), Invalid)
    assert isinstance(tap(code, lambda sign: [sign(CAROL), sign(BOB), sign(ALICE)]), Invalid)
    assert isinstance(tap(code, lambda sign: [sign(CAROL), sign(CAROL), sign(ALICE)]), Invalid)
    assert isinstance(tap(script(XA, "CHECKSIG", XB, "CHECKSIGADD"), lambda sign: [b"", sign(ALICE)]), Valid)
    assert isinstance(segwit(script(b"", A, "CHECKSIGADD"), lambda sign: [sign(ALICE)]), Invalid)


# --- locks in scripts -----------------------------------------------------------------------------------------------

HEIGHT, MOMENT, FIVE_BYTES = b"\xf4\x01", little(1_700_000_000), little(0xFFFFFFFF, 5)


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        (script(HEIGHT, "CLTV"), {"lock_time": 500}, Inconclusive),
        (script(HEIGHT, "CLTV"), {"lock_time": 501, "sequence": 0xFFFFFFFE}, Inconclusive),
        (script(HEIGHT, "CLTV"), {"lock_time": 499}, Invalid),
        (script(HEIGHT, "CLTV"), {}, Invalid),
        (script(HEIGHT, "CLTV"), {"lock_time": 1_700_000_000}, Invalid),  # a time is no height
        (script(HEIGHT, "CLTV"), {"lock_time": 500, "sequence": 0xFFFFFFFF}, Invalid),  # a final input is not locked
        (script(MOMENT, "CLTV"), {"lock_time": 1_700_000_000}, Inconclusive),
        (script(MOMENT, "CLTV"), {"lock_time": 500}, Invalid),
        (script(FIVE_BYTES, "CLTV"), {"lock_time": 0xFFFFFFFF}, Inconclusive),
        (script(b"\x81", "CLTV"), {"lock_time": 500}, Invalid),  # -1
        (script(b"\xf4\x01\x00", "CLTV"), {"lock_time": 500}, Invalid),  # 500 at length
        (script(b"\x01" * 6, "CLTV"), {"lock_time": 500}, Invalid),
        (script(b"\x90\x00", "CSV"), {"sequence": 144, "version": 2}, Inconclusive),
        (script(b"\x90\x00", "CSV"), {"sequence": 143, "version": 2}, Invalid),
        (script(b"\x90\x00", "CSV"), {"sequence": 144, "version": 0}, Invalid),  # BIP-68 counts from version 2 on
        (script(b"\x90\x00", "CSV"), {"sequence": 1 << 31 | 144, "version": 2}, Invalid),
        (script(b"\x90\x00", "CSV"), {"sequence": 1 << 22 | 144, "version": 2}, Invalid),  # a time is no height
        (script(b"\x90\x00\x40", "CSV"), {"sequence": 1 << 22 | 144, "version": 2}, Inconclusive),
        (script(b"\x81", "CSV"), {"sequence": 144, "version": 2}, Invalid),
        (script(little(1 << 31, 5), "CSV"), {}, Valid),  # BIP-112: that bit switches it off
        (script("CSV"), {"sequence": 144, "version": 2}, Invalid),
    ],
)
def test_locks_in_scripts_are_held_against_what_the_signature_names(code, fields, expected):
    assert isinstance(segwit(code + script("DROP", A, "CHECKSIG"), lambda sign: [sign(ALICE)], **fields), expected)
    assert isinstance(tap(code + script("DROP", XA, "CHECKSIG"), lambda sign: [sign(ALICE)], **fields), expected)


def test_the_vectors_own_script_is_inconclusive_in_its_locked_branch_and_says_until_when():
    locked = {"lock_time": 2016, "sequence": 2016, "version": 2}
    found = segwit(LND, lambda sign: [sign(BOB), b""], **locked)
    assert isinstance(found, Inconclusive)
    assert "valid at time 2016 (block 2016) and age 2016 (2016 blocks)" in found.reason
    assert isinstance(segwit(LND, lambda sign: [sign(ALICE), b""], **locked), Invalid)
    assert isinstance(segwit(LND, lambda sign: [sign(BOB), b""]), Invalid)


# --- required rules, each broken once -------------------------------------------------------------------------------


def _der_with_padding(signature):
    return signature[:1] + bytes([signature[1] + 1]) + b"\x02" + bytes([signature[3] + 1]) + b"\0" + signature[4:]


BROKEN = {
    "CODESEPARATOR": (script("CODESEPARATOR", A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "CODESEPARATOR not reached": (
        script(0, "IF", "CODESEPARATOR", "ENDIF", A, "CHECKSIG"),
        lambda sign: [sign(ALICE)],
    ),
    "STRICTENC": (script(A, "CHECKSIG"), lambda sign: [_der_with_padding(sign(ALICE))]),
    "STRICTENC of a key": (script(b"\x05" + A[1:], "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "STRICTENC of a hybrid key": (
        script(b"\x06" + ALICE.public_key.format(compressed=False)[1:], "CHECKSIG"),
        lambda sign: [sign(ALICE)],
    ),
    "NULLFAIL": (script(A, "CHECKSIG", "SWAP", B, "CHECKSIG", "BOOLOR"), lambda sign: [sign(CAROL), sign(ALICE)]),
    "NULLFAIL of several": (
        multisig(2, ALICE, BOB) + script("SWAP", C, "CHECKSIG", "BOOLOR"),
        lambda sign: [sign(CAROL), b"", sign(ALICE), sign(ALICE)],
    ),
    "NULLDUMMY": (multisig(1, ALICE), lambda sign: [b"\x01", sign(ALICE)]),
    "MINIMALDATA": (b"\x4c" + script(A) + script("CHECKSIG"), lambda sign: [sign(ALICE)]),
    "MINIMALDATA of a small number": (script(b"\x05") + script("DROP", A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "MINIMALDATA of a number": (script(A, "CHECKSIG", b"\x01\x00", "ADD"), lambda sign: [sign(ALICE)]),
    "CLEANSTACK": (script(A, "CHECKSIG"), lambda sign: [b"\x01", sign(ALICE)]),
    "MINIMALIF": (script("IF", A, "CHECKSIG", "ENDIF"), lambda sign: [sign(ALICE), b"\x02"]),
    "MINIMALIF of a zero": (script("NOTIF", A, "CHECKSIG", "ENDIF"), lambda sign: [sign(ALICE), b"\x00"]),
    "order of signatures": (multisig(2, ALICE, BOB), lambda sign: [b"", sign(BOB), sign(ALICE)]),
    "one signature twice": (multisig(2, ALICE, BOB), lambda sign: [b"", sign(ALICE), sign(ALICE)]),
    "a signature too few": (multisig(2, ALICE, BOB), lambda sign: [b"", sign(ALICE)]),
    "an absent signature": (multisig(2, ALICE, BOB), lambda sign: [b"", sign(ALICE), b""]),
    "more keys than there are": (script(1, A, 2, "CHECKMULTISIG"), lambda sign: [b"", sign(ALICE)]),
    "more signatures than keys": (script(2, A, 1, "CHECKMULTISIG"), lambda sign: [b"", sign(ALICE), sign(ALICE)]),
    "no end": (script(1, "IF", A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "no beginning": (script(A, "CHECKSIG", "ENDIF"), lambda sign: [sign(ALICE)]),
    "else alone": (script(A, "CHECKSIG", "ELSE"), lambda sign: [sign(ALICE)]),
    "nothing put aside": (script("FROMALTSTACK", A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
    "too few elements": (script("SWAP", A, "CHECKSIG"), lambda _sign: []),
    "false at the end": (script(A, "CHECKSIG", "VERIFY", 0), lambda sign: [sign(ALICE)]),
    "a negative zero at the end": (script(A, "CHECKSIGVERIFY", b"\x80"), lambda sign: [sign(ALICE)]),
    "a push beyond the end": (script(A, "CHECKSIG") + b"\x4b", lambda sign: [sign(ALICE)]),
    "a long push beyond the end": (script(A, "CHECKSIG") + b"\x4e\xff\xff", lambda sign: [sign(ALICE)]),
    "more operations than may be": (script(*["NOP"] * 201, A, "CHECKSIG"), lambda sign: [sign(ALICE)]),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_script_that_breaks_a_rule_is_invalid(rule):
    code, given = BROKEN[rule]
    assert isinstance(segwit(code, given), Invalid)
    assert isinstance(legacy(code, given), Invalid)


def test_a_satisfied_script_is_one_rule_away_from_each_of_those():
    assert isinstance(segwit(script(*["NOP"] * 200, A, "CHECKSIG"), lambda sign: [sign(ALICE)]), Valid)
    assert isinstance(legacy(script(5, "DROP", A, "CHECKSIG"), lambda sign: [sign(ALICE)]), Valid)


def test_a_long_element_is_invalid_in_a_witness_and_in_a_script():
    for size, expected in ((520, Valid), (521, Invalid)):
        assert isinstance(segwit(script("DROP", A, "CHECKSIG"), lambda sign, n=size: [sign(ALICE), bytes(n)]), expected)
        code = script(bytes(size), "DROP", A, "CHECKSIG")
        assert isinstance(segwit(code, lambda sign: [sign(ALICE)]), expected)


NOT_BOB = script(B, "CHECKSIG", 0, "EQUALVERIFY", A, "CHECKSIG")


def without_bob(sign):
    return [sign(ALICE), b""]


def test_a_signature_in_the_script_that_it_signs_is_invalid_behind_p2sh_alone():
    """Whoever computes the key from the signature can have it so (FindAndDelete)."""
    assert isinstance(legacy(NOT_BOB, without_bob), Invalid)  # what is not there is OP_0, as in consensus
    assert isinstance(segwit(NOT_BOB, without_bob), Valid)


def test_without_that_rule_it_would_pass(monkeypatch):
    monkeypatch.setattr(bitcoin_opcodes, "_stands_in_script", lambda _machine, _signature: False)
    assert isinstance(legacy(NOT_BOB, without_bob), Valid)


def test_without_the_clean_stack_one_signature_would_have_endless_spellings(monkeypatch):
    code, given = BROKEN["CLEANSTACK"]
    monkeypatch.setattr(bitcoin_spend, "run", _run_that_looks_at_the_top_alone)
    assert isinstance(segwit(code, given), Valid)


def _run_that_looks_at_the_top_alone(machine, operations):
    found = bitcoin_machine.run(machine, operations)
    return None if found is bitcoin_machine.NOT_SATISFIED and bitcoin_script.truth(machine.stack[-1]) else found


# --- scripts without signatures ---------------------------------------------------------------------------------------

UNSIGNED = {
    "anybody's": (script(1), lambda _sign: []),
    "a secret alone": (script("SHA256", sha256(SECRET), "EQUAL"), lambda _sign: [SECRET]),
    "the absence of a signature": (script(A, "CHECKSIG", 0, "EQUAL"), lambda _sign: [b""]),
}


@pytest.mark.parametrize("unsigned", UNSIGNED)
@pytest.mark.parametrize("run", [segwit, tap])
def test_a_script_that_asks_for_no_signature_vouches_for_no_text(unsigned, run):
    code, given = UNSIGNED[unsigned]
    found = run(code.replace(script(A), script(XA)) if run is tap else code, given)
    assert found == bitcoin_spend._UNSIGNED
    assert not found.passing


def test_none_of_several_keys_vouches_for_no_text_either():
    assert segwit(multisig(0, ALICE), lambda _sign: [b""]) == bitcoin_spend._UNSIGNED


def test_without_that_look_a_proof_once_seen_could_be_made_of_any_text(monkeypatch):
    code, given = UNSIGNED["a secret alone"]
    monkeypatch.setattr(bitcoin_spend, "_UNSIGNED", None)
    for text in ("seen", "never seen"):
        assert isinstance(segwit(code, given, message=text), Valid)


# --- what has no meaning yet, or is not understood ------------------------------------------------------------------

UNKNOWN = {
    "a NOP kept for later": script("NOP1", XA, "CHECKSIG"),
    "an opcode without a meaning": bytes([0xFE]) + script(XA, "CHECKSIG"),
    "an opcode that no wallet writes": script(1, 1, "2DROP", XA, "CHECKSIG"),
    "OP_RETURN in a branch": script(0, "IF", "RETURN", "ENDIF", XA, "CHECKSIG"),
    "OP_RESERVED": bytes([0x50]) + script(XA, "CHECKSIG"),
}


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_an_opcode_that_is_not_understood_is_inconclusive(unknown):
    found = tap(UNKNOWN[unknown], lambda sign: [sign(ALICE)])
    assert found == Inconclusive(reason="the script uses an opcode that is not understood here", passing=False)
    compressed = UNKNOWN[unknown].replace(script(XA), script(A))
    assert isinstance(segwit(compressed, lambda sign: [sign(ALICE)]), Inconclusive)


def test_a_key_of_a_type_to_come_is_inconclusive():
    assert isinstance(tap(script(A, "CHECKSIG"), lambda _sign: [b"\x01"]), Inconclusive)
    assert isinstance(tap(script(b"", "CHECKSIG"), lambda _sign: [b"\x01"]), Invalid)


def test_a_leaf_of_a_version_to_come_is_inconclusive():
    tree = Taproot(key=MALLORY, leaf=script(XA, "CHECKSIG"), version=0xC2)
    wallet = tapscript(tree, lambda sign: [sign(ALICE)])
    found = say(wallet, wallet.signed())
    assert found == Inconclusive(reason="this version of tapscript has no meaning yet", passing=False)


def test_an_annex_is_inconclusive():
    wallet = tapscript(Taproot(key=MALLORY, leaf=script(XA, "CHECKSIG")), lambda sign: [sign(ALICE)])
    signed = wallet.signed()
    found = say(wallet, replace(signed, witness=(*signed.witness, b"\x50")))
    assert found == Inconclusive(reason="an annex has no meaning yet", passing=False)


def test_several_keys_at_once_are_invalid_in_tapscript():
    assert isinstance(tap(script(0, 0, 0, "CHECKMULTISIG"), lambda _sign: []), Invalid)


def test_an_input_that_computes_is_inconclusive():
    signed = p2pkh().signed()
    found = say(p2pkh(), replace(signed, script_sig=script("NOP") + signed.script_sig))
    assert found == Inconclusive(reason="the input does more than push", passing=False)


# --- nobody is kept waiting -----------------------------------------------------------------------------------------


def test_more_instructions_than_any_wallet_writes_are_not_run():
    longest = bitcoin_script.MOST_INSTRUCTIONS
    code = script(XA, "CHECKSIG")
    assert isinstance(tap(code + script(*["NOP"] * (longest - 2)), lambda sign: [sign(ALICE)]), Valid)
    found = tap(code + script(*["NOP"] * (longest - 1)), lambda sign: [sign(ALICE)])
    assert found == Inconclusive(reason="the script is longer than is checked here", passing=False)


def test_more_signatures_than_any_wallet_writes_are_not_checked(monkeypatch):
    checks = []
    holds = bitcoin_opcodes.schnorr_holds
    monkeypatch.setattr(bitcoin_opcodes, "schnorr_holds", lambda *given: checks.append(given) or holds(*given))
    most = bitcoin_opcodes.MOST_CHECKS
    for keys, expected in ((most, Valid), (most + 1, Inconclusive)):
        checks.clear()
        code = script(*[XA, "CHECKSIGVERIFY"] * (keys - 1), XA, "CHECKSIG")
        assert isinstance(tap(code, lambda sign, keys=keys: [sign(ALICE)] * keys), expected)
        assert len(checks) == most


def test_twenty_keys_are_checked():
    for keys, expected in ((20, Valid), (21, Invalid)):
        wallet = p2wsh_multisig(1, ALICE, *[BOB] * (keys - 1))
        assert isinstance(say(wallet, wallet.signed()), expected)


def test_a_stack_has_no_more_than_a_thousand_elements():
    for pairs, expected in ((499, Valid), (500, Invalid)):
        code = script(*["EQUALVERIFY"] * pairs, XA, "CHECKSIG")
        assert isinstance(tap(code, lambda sign, pairs=pairs: [sign(ALICE), *[b""] * 2 * pairs]), expected)
    code = script(*["DUP"] * 499, *["DROP"] * 499, XA, "CHECKSIG")
    assert isinstance(tap(code, lambda sign: [sign(ALICE)]), Valid)
    assert isinstance(tap(code, lambda sign: [sign(ALICE), *[b""] * 501]), Invalid)


# --- the paper side -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0, 1, -1, 16, 17, 127, -127, 128, -128, 255, 256, 32767, -32768, 2**31 - 1, -(2**31) + 1]
)
def test_numbers_and_elements_determine_each_other(value):
    assert bitcoin_script.number(bitcoin_script.element(value)) == value


@pytest.mark.parametrize("element", [b"\0", b"\x80", b"\x01\0", b"\x01\x80", b"\0\0", b"\x01" * 5])
def test_a_number_has_one_spelling_of_at_most_four_bytes(element):
    assert bitcoin_script.number(element) is None


@pytest.mark.parametrize(
    ("data", "pushed"),
    [
        (b"", b"\x00"),
        (b"\x01", b"\x51"),
        (b"\x10", b"\x60"),
        (b"\x11", b"\x01\x11"),
        (b"\x81", b"\x4f"),
        (b"\0", b"\x01\0"),
        (bytes(75), b"\x4b" + bytes(75)),
        (bytes(76), b"\x4c\x4c" + bytes(76)),
        (bytes(255), b"\x4c\xff" + bytes(255)),
        (bytes(256), b"\x4d\x00\x01" + bytes(256)),
        (bytes(70_000), b"\x4e\x70\x11\x01\x00" + bytes(70_000)),
    ],
)
def test_data_is_pushed_in_the_shortest_way(data, pushed):
    assert bitcoin_script.push(data) == pushed


def test_the_tests_own_wallets_stand_on_the_published_hashes():
    assert tagged("BIP0322-signed-message", b"").hex().startswith("c90c269c4f8fcbe6")
    assert p2wpkh().output[:2] == b"\x00\x14"
    assert len(schnorr(ALICE, bytes(32))) == 64
