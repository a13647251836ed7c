"""Amounts, operations and keys as Hive's interfaces spell them."""

import pytest
from coincurve import PrivateKey

from chains.hive import amounts, keys
from chains.hive.amounts import HBD, HIVE, VESTS, Amount
from chains.hive.operations import opened
from tests.nodes.hive import wallet

SAME = {
    "hive": ("1.000 HIVE", {"amount": "1000", "precision": 3, "nai": "@@000000021"}, Amount(nai=HIVE, units=1000)),
    "hbd": ("0.001 HBD", {"amount": "1", "precision": 3, "nai": "@@000000013"}, Amount(nai=HBD, units=1)),
    "vests": ("2.000001 VESTS", {"amount": 2000001, "precision": 6, "nai": "@@000000037"},
              Amount(nai=VESTS, units=2000001)),
    "tests": ("3.500 TESTS", {"amount": "3500", "precision": 3, "nai": "@@000000021"}, Amount(nai=HIVE, units=3500)),
    "the largest": ("9223372036854775.807 TBD", {"amount": str(2**63 - 1), "precision": 3, "nai": "@@000000013"},
                    Amount(nai=HBD, units=2**63 - 1)),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_both_spellings_are_one_amount(case):
    spoken, written, amount = SAME[case]
    assert amounts.parse(spoken) == amounts.parse(written) == amount


@pytest.mark.parametrize("case", ["hive", "hbd"])
def test_an_amount_is_written_as_it_was_read(case):
    spoken, written, amount = SAME[case]
    assert (str(amount), amounts.as_object(amount)) == (spoken, written)


@pytest.mark.parametrize(
    "raw",
    [
        "1 HIVE", "1.00 HIVE", "1.000000 HIVE", "1.000 VESTS", "1.000 STEEM", "-1.000 HIVE", "1,000 HIVE", "1.000HIVE",
        " 1.000 HIVE", "1.000 HIVE\n", "", "\u0661.000 HIVE", "9223372036854775.808 HIVE", None, 1.0, 1000, [],
        ["1.000 HIVE"],
        {}, {"amount": "1000", "precision": 3}, {"amount": "1000", "precision": 6, "nai": "@@000000021"},
        {"amount": "-1", "precision": 3, "nai": "@@000000021"}, {"amount": 1.5, "precision": 3, "nai": "@@000000021"},
        {"amount": "1e3", "precision": 3, "nai": "@@000000021"}, {"amount": "1", "precision": 3, "nai": "@@000000022"},
        {"amount": True, "precision": 3, "nai": "@@000000021"}, {"amount": "1", "precision": 3.0, "nai": "@@000000021"},
        {"amount": str(2**63), "precision": 3, "nai": "@@000000021"}, {"amount": "1", "precision": 3, "nai": []},
    ],
)  # fmt: skip
def test_anything_else_is_no_amount(raw):
    assert amounts.parse(raw) is None


@pytest.mark.parametrize("raw", [["transfer", {"to": "a"}], {"type": "transfer_operation", "value": {"to": "a"}},
                                 {"type": "transfer", "value": {"to": "a"}}])  # fmt: skip
def test_operations_are_opened_in_either_spelling(raw):
    assert (opened(raw).name, opened(raw).value) == ("transfer", {"to": "a"})


@pytest.mark.parametrize("raw", [None, "transfer", [], ["transfer"], ["transfer", {}, {}], [2, {}], ["transfer", []],
                                 {"type": "transfer"}, {"value": {}}, {"type": 2, "value": {}}])  # fmt: skip
def test_anything_else_is_no_operation(raw):
    assert opened(raw) is None


# Published by hived's own tests and by Hive's documentation.
KEY = "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"
WIF = "5JNHfZYKGaomSFvd4NUdQ9qMcEAC43kujbfjueTHpVapX1Kzq2n"


def test_a_public_key_is_read_and_written_again():
    assert wallet.write_public(keys.public_key(KEY)) == KEY
    assert keys.public_key("TST" + KEY[3:]) == keys.public_key(KEY)


def test_a_private_key_is_the_one_of_its_public_key():
    """The key of `initminer`, with which every test network begins."""
    assert wallet.write_private(keys.private_key(WIF)) == WIF
    public = PrivateKey(keys.private_key(WIF)).public_key.format()
    assert wallet.write_public(public, "TST") == "TST6LLegbAgLAy28EHrffBVuANFWcFgmqRMW13wBmTExqFE9SCkg4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "STM",
        KEY[:-1],
        KEY[3:],
        "EOS" + KEY[3:],
        KEY[:-1] + "W",
        KEY + "1",
        "STM" + "1" * 200,
        "STM0" + KEY[4:],
        WIF,
    ],
)
def test_anything_else_is_no_public_key(text):
    assert keys.public_key(text) is None


@pytest.mark.parametrize("text", ["", WIF[:-1], WIF[:-1] + "m", KEY, "K" + WIF[1:], "1" * 51, "5" * 200])
def test_anything_else_is_no_private_key(text):
    assert keys.private_key(text) is None


@pytest.mark.parametrize("number", [0, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141])
def test_a_number_outside_the_group_is_no_private_key(number):
    assert keys.private_key(wallet.write_private(number.to_bytes(32, "big"))) is None
