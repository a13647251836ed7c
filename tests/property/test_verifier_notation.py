"""Any text is read as bytes or as nothing, and nothing is raised. Base64 has one spelling of any bytes; hex has no
other than its digits in either case, with or without `0x`.
"""

import base64

from hypothesis import example, given
from hypothesis import strategies as st

from verifier.notation import from_base64, from_hex

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)  # lone surrogates too
DIGITS = st.text("0123456789abcdefABCDEFxX \n_+/=", max_size=24)


@given(st.binary(max_size=200))
def test_what_is_written_is_read_back(raw):
    assert from_hex(raw.hex()) == from_hex(f"0x{raw.hex().upper()}") == raw
    assert from_base64(base64.b64encode(raw).decode()) == raw


@given(ANY_TEXT | DIGITS)
@example("0x")
@example("")
@example("\N{ARABIC-INDIC DIGIT ZERO}" * 2)
@example("AA==\n")
@example("AB==")
@example("\ud800")
@example("f" * 99_999)
def test_any_text_is_bytes_in_its_own_spelling_or_nothing(text):
    read = from_hex(text)
    assert read is None or text.lower().removeprefix("0x") == read.hex()
    read = from_base64(text)
    assert read is None or text == base64.b64encode(read).decode()
