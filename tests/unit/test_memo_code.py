"""The order code: what we print, and what we read."""

import pytest

import memo.code as code_module
from memo.code import ALPHABET, new_code, normalise


def test_a_code_is_the_first_sixty_bits_and_their_check_symbol():
    assert new_code(bytes(8)) == "0000000000000"
    assert new_code(bytes(7) + b"\x1f") == "0000000000011"  # the last four bits are not used
    assert new_code(b"\xff" * 8 + b"ignored"[:0]) == "ZZZZZZZZZZZZ9"


def test_a_code_has_letters_and_digits_only_even_where_the_check_symbol_would_be_another():
    codes = {new_code((number << 4).to_bytes(8, "big")) for number in range(37 * 4)}
    assert all(set(code) <= set(ALPHABET) for code in codes)
    assert new_code((32 << 4).to_bytes(8, "big")) == "0000000000150"  # 32 to 36 would end in *~$=U


def test_too_little_randomness_is_refused():
    with pytest.raises(ValueError, match="60 random bits"):
        new_code(bytes(7))


@pytest.mark.parametrize(
    "text", ["0000000000000", "OOOO-OOOO-OOOO-O", "oOo0-0000-0000-0", "000000000000o", "0-0-0-0-0-0-0-0-0-0-0-0-0"]
)
def test_a_code_is_read_through_what_hands_and_fonts_make_of_it(text):
    assert normalise(text) == "0000000000000"


def test_one_and_its_lookalikes_are_the_same():
    assert normalise("llllIIIIiiii" + new_code(bytes.fromhex("0842108421084210"))[-1]) == "111111111111H"


@pytest.mark.parametrize(
    "text", ["", "0", "000000000000", "00000000000000", "0000000000001", "00000000000U0", "é" * 13]
)
def test_what_is_no_code_or_was_mistyped_is_refused(text):
    assert normalise(text) is None


@pytest.mark.parametrize("symbol", "*~$=Uu")
def test_check_symbols_beyond_the_digits_are_read_though_never_printed(symbol):
    number = {"*": 32, "~": 33, "$": 34, "=": 35, "U": 36, "u": 36}[symbol]
    assert normalise(f"00000000001{ALPHABET[number - 32]}{symbol}") is not None


def test_any_one_wrong_symbol_and_any_two_swapped_ones_are_noticed():
    code = new_code(b"\x13\x37\xc0\xde\xca\xfe\xba\xbe")
    wrong = {code[:at] + symbol + code[at + 1 :] for at in range(13) for symbol in ALPHABET} - {code}
    swapped = {code[:at] + code[at + 1] + code[at] + code[at + 2 :] for at in range(12)} - {code}
    assert {normalise(text) for text in wrong | swapped} == {None}


def test_without_the_check_symbol_a_mistyped_code_would_name_another_order(monkeypatch):
    mistyped = "0000000000001"
    assert normalise(mistyped) is None
    monkeypatch.setattr(code_module, "CHECK_ALPHABET", "1" * 37)
    assert normalise(mistyped) == mistyped
