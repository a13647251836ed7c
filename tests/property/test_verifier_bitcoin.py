"""The Bitcoin schemes' invariants, in words above each property."""

from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from chains.bitcoin.script import output_script
from chains.hashes import sized
from tests.support.verifier_bitcoin import (
    ALICE,
    BOB,
    CAROL,
    OPCODES,
    Taproot,
    ToSign,
    account,
    behind_script_hash,
    bip137,
    ecdsa,
    p2pkh,
    p2sh_multisig,
    p2tr,
    p2wpkh,
    p2wsh_multisig,
    schnorr,
    script,
    tapscript,
    to_script_hash,
    to_witness_script_hash,
    verdict,
)
from verifier.bitcoin import script as bitcoin_script
from verifier.bitcoin.machine import Machine, Rules, run
from verifier.bitcoin.opcodes import MOST_CHECKS, OPERATIONS
from verifier.bitcoin.transaction import read_to_sign, read_witness
from verifier.verdict import Inconclusive, Invalid, Valid

WALLETS = [
    p2pkh(),
    p2wpkh(),
    behind_script_hash(p2wpkh()),
    p2tr(),
    p2tr(kind=1),
    p2wsh_multisig(2, ALICE, BOB, CAROL),
    p2sh_multisig(1, ALICE, BOB),
    tapscript(Taproot(key=BOB, leaf=script(ALICE.public_key_xonly.format(), "CHECKSIG")), lambda sign: [sign(ALICE)]),
]
ACCOUNTS = [account(wallet.output) for wallet in WALLETS]
MESSAGE = "hello"
KEYS = [key.public_key.format() for key in (ALICE, BOB)] + [key.public_key_xonly.format() for key in (ALICE, BOB)]
VERDICTS = (Valid, Invalid, Inconclusive)

any_text = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates too
prefixes = st.sampled_from(["", "smp", "ful", "pof"])
elements = st.binary(max_size=80) | st.sampled_from(
    [b"", b"\x01", b"\x02", b"\x80", *KEYS, ecdsa(ALICE, bytes(32)), schnorr(ALICE, bytes(32)), bytes(520), bytes(521)]
)
stacks = st.lists(elements, max_size=8)
scripts = st.lists(
    st.sampled_from(list(OPCODES)) | elements | st.integers(0, 20) | st.binary(min_size=1, max_size=3).map(bytearray),
    max_size=30,
).map(lambda parts: script(*parts))


@given(st.sampled_from(ACCOUNTS), any_text, any_text)
@example(ACCOUNTS[1], "", "smp")
@example(ACCOUNTS[1], "\ud800", "A" * 88)
@example(ACCOUNTS[1], "", "ful" + "/" * 16_380)
def test_any_texts_come_to_a_verdict_and_open_nothing(of, message, signature):
    """Whatever message and signature are, there is a verdict; and nobody signed, so it is not Valid."""
    assert isinstance(verdict(of, message, signature), (Invalid, Inconclusive))


@given(st.sampled_from(ACCOUNTS), prefixes, st.binary(max_size=300) | st.binary(min_size=65, max_size=65))
@example(ACCOUNTS[0], "", b"\xff" * 65)
@example(ACCOUNTS[0], "", b"\x1f" + b"\xff" * 64)
@example(ACCOUNTS[1], "smp", b"\xff" * 9)
@example(ACCOUNTS[1], "smp", b"\xff" + (10**6).to_bytes(8, "little"))
@example(ACCOUNTS[3], "smp", b"\x01\x40" + b"\xff" * 64)
@example(ACCOUNTS[7], "smp", b"\x02\x00\x00")
def test_any_bytes_in_any_form_come_to_a_verdict_and_open_nothing(of, prefix, raw):
    """No bytes that nobody signed are Valid, in whatever form they are said to be."""
    assert isinstance(verdict(of, MESSAGE, prefix + b64encode(raw).decode()), (Invalid, Inconclusive))


@given(st.sampled_from(WALLETS), stacks, st.binary(max_size=120), st.sampled_from([0, 1, 2, 0xFFFFFFFF]))
def test_any_witness_and_input_script_in_a_transaction_of_the_right_shape_open_nothing(wallet, stack, pushed, version):
    """The right outpoint alone is worth nothing: everybody can compute it."""
    tx = ToSign(output=wallet.output, witness=tuple(stack), script_sig=pushed, version=version)
    assert not isinstance(verdict(account(wallet.output), MESSAGE, "ful" + tx.full), Valid)
    assert not isinstance(verdict(account(wallet.output), MESSAGE, "smp" + tx.simple), Valid)


def _flipped(raw, bit):
    at = bit // 8 % len(raw)
    return raw[:at] + bytes([raw[at] ^ 1 << bit % 8]) + raw[at + 1 :]


@given(st.sampled_from(WALLETS), st.booleans(), st.integers(0, 1 << 16))
def test_a_valid_signature_with_one_bit_flipped_is_never_valid(wallet, full, bit):
    """Every bit of a signature counts: none is ignored, and none can be changed without the key."""
    signed = wallet.signed(MESSAGE)
    prefix, form = ("ful", signed.full) if full or not wallet.has_simple_form else ("smp", signed.simple)
    of = account(wallet.output)
    assert isinstance(verdict(of, MESSAGE, prefix + form), Valid)
    bent = b64encode(_flipped(b64decode(form), bit)).decode()
    assert not isinstance(verdict(of, MESSAGE, prefix + bent), Valid)
    assert not isinstance(verdict(of, MESSAGE, bent), Valid)


@given(st.sampled_from([p2pkh(), p2wpkh(), behind_script_hash(p2wpkh())]), st.integers(0, 65 * 8 - 1))
def test_a_legacy_signature_with_one_bit_flipped_is_never_valid(wallet, bit):
    """The same of BIP-137, whose header, too, is part of what is signed for."""
    signature = bip137(ALICE, MESSAGE, 31)
    of = account(wallet.output)
    assert isinstance(verdict(of, MESSAGE, b64encode(signature).decode()), Valid)
    flipped = _flipped(signature, bit)
    says_more = flipped[1:] == signature[1:] and flipped[0] - signature[0] in (4, 8)  # 35 or 39: the same key, exactly
    found = verdict(of, MESSAGE, b64encode(flipped).decode())
    assert not isinstance(found, Valid) or says_more


@given(st.sampled_from(WALLETS), st.integers(0, 1 << 16), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ+/=ab01 \n"))
def test_no_second_text_says_what_a_signature_says(wallet, at, character):
    """One character of the base64 changed makes other bytes or no base64 at all: a signature has one spelling."""
    form = "ful" + wallet.signed(MESSAGE).full
    at %= len(form)
    bent = form[:at] + character + form[at + 1 :]
    assert bent == form or not isinstance(verdict(account(wallet.output), MESSAGE, bent), Valid)


@given(st.sampled_from(WALLETS), st.sampled_from(ACCOUNTS), any_text)
def test_a_signature_speaks_for_its_own_account_and_text_alone(wallet, other, text):
    """Held against any other account or text, a valid signature is not Valid."""
    form = "ful" + wallet.signed(MESSAGE).full
    if other != account(wallet.output):
        assert not isinstance(verdict(other, MESSAGE, form), Valid)
    if text != MESSAGE:
        assert not isinstance(verdict(account(wallet.output), text, form), Valid)


@given(scripts, stacks)
def test_any_script_on_any_stack_comes_to_a_verdict(code, stack):
    """Whatever script an address stands for and whatever is brought to it: a verdict, never an error."""
    segwit = ToSign(output=to_witness_script_hash(code), witness=(*stack, code))
    tree = Taproot(key=BOB, leaf=code)
    taproot = ToSign(output=tree.output, witness=(*stack, code, tree.control))
    pushes = b"".join(script(element) for element in stack)
    legacy = ToSign(output=to_script_hash(code), script_sig=pushes + script(code))
    for tx in (segwit, taproot, legacy):
        assert isinstance(verdict(account(tx.output), MESSAGE, "ful" + tx.full), VERDICTS)


@given(st.binary(max_size=200), stacks, st.sampled_from(Rules))
@example(b"\x63" * 150 + b"\x68" * 150, [], Rules.TAPSCRIPT)
@example(b"\x76" * 999, [b"\x01"], Rules.TAPSCRIPT)
def test_a_script_of_any_bytes_ends_within_its_bounds(code, stack, rules):
    """No script runs on: its steps, its stack and the signatures it has checked are bounded, whatever it says."""
    machine = Machine(
        rules=rules,
        script=code,
        stack=list(stack),
        to_sign=read_to_sign(b64decode(p2wpkh().signed().full)),
        sighash=lambda _kind: bytes(32),
    )
    found = run(machine, OPERATIONS)
    assert found is None or isinstance(found, (Invalid, Inconclusive))
    assert len(machine.steps) <= bitcoin_script.MOST_INSTRUCTIONS
    assert machine.checks <= MOST_CHECKS + 1
    assert len(machine.stack) <= 1_001


@given(st.lists(st.binary(max_size=300), max_size=300))
def test_a_witness_stack_and_its_bytes_determine_each_other(stack):
    """What is written is read back."""
    count = sized(bytes(len(stack)))[: -len(stack) or None]
    assert read_witness(count + b"".join(map(sized, stack))) == tuple(stack)


@given(
    st.binary(max_size=100) | st.lists(st.binary(max_size=5)).map(lambda items: bytes([len(items)]) + b"".join(items))
)
def test_bytes_that_read_as_a_witness_are_the_only_ones_that_do(raw):
    """No second spelling: whatever is read as a stack is what that stack is written as."""
    with suppress(ValueError):
        stack = read_witness(raw)
        count = sized(bytes(len(stack)))[: -len(stack) or None]
        assert count + b"".join(map(sized, stack)) == raw


@given(st.sampled_from(WALLETS), st.integers(0, 1 << 16), st.binary(max_size=3))
def test_bytes_that_read_as_a_transaction_are_the_only_ones_that_do(wallet, at, put):
    """No second spelling of `to_sign` either."""
    raw = b64decode(wallet.signed(MESSAGE).full)
    at %= len(raw)
    bent = raw[:at] + put + raw[at + 1 :]
    with suppress(ValueError):
        read = read_to_sign(bent)
        again = replace(
            ToSign(output=wallet.output),
            version=read.version,
            sequence=read.sequence,
            lock_time=read.lock_time,
            witness=read.witness,
        ).serialised(read.script_sig, witness=bool(read.witness))
        start = 6 if read.witness else 4
        assert again[: start + 1] + read.outpoint + again[start + 37 :] == bent


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_numbers_and_elements_determine_each_other(value):
    """A number has one element and an element at most one number."""
    assert bitcoin_script.number(bitcoin_script.element(value)) == value


@given(st.binary(max_size=6))
def test_an_element_that_reads_as_a_number_is_how_it_is_written(element):
    """No second spelling of a number."""
    value = bitcoin_script.number(element)
    assert value is None or bitcoin_script.element(value) == element


@given(any_text | st.binary(max_size=60).map(lambda raw: b64encode(raw).decode()))
def test_any_text_has_an_output_script_or_none(text):
    """Reading an address never raises."""
    assert output_script(text) is None or isinstance(output_script(text), bytes)
