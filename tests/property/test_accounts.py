"""Invariant: any text names one account or none, never an exception; and an account's own spelling names it again."""

from hypothesis import given
from hypothesis import strategies as st

from chains import base58
from chains.account import Account, HolderKey, NotAnAccount
from chains.accounts import account_of, parse_caip10
from chains.bitcoin import bech32
from chains.evm import address as evm
from chains.hashes import sha256d
from chains.monero import address as monero
from config.registry import Network

NETWORKS = st.sampled_from(Network)
BASE58 = st.text(base58.ALPHABET, max_size=110)
ADDRESSES = st.one_of(
    st.text(),
    BASE58,
    BASE58.map(lambda text: f"0x{text}"),
    st.from_regex(r"\A(?:bc|tb|bcrt|ltc|rltc)1[0-9a-zA-Z]{0,90}\Z"),
    st.from_regex(r"\A@?[a-z.-]{1,20}\Z"),
    st.binary(min_size=20, max_size=20).map(evm.display),
    st.binary(min_size=65, max_size=65).map(monero.display),
    st.builds(
        bech32.WitnessProgram,
        prefix=st.sampled_from(["bc", "tb", "bcrt", "ltc", "rltc"]),
        version=st.integers(0, 16),
        program=st.binary(min_size=2, max_size=40),
    ).map(bech32.encode),
    st.builds(
        lambda version, digest: base58.encode(version + digest + sha256d(version + digest)[:4]),
        st.sampled_from([b"\x00", b"\x05", b"\x30", b"\x32", b"\x3a", b"\x6f", b"\xc4"]),
        st.binary(min_size=20, max_size=20),
    ),
)


@given(text=ADDRESSES, network=NETWORKS)
def test_any_text_is_an_account_or_not_and_an_account_is_named_by_its_own_spelling(text, network):
    account = account_of(text, network=network)
    if isinstance(account, NotAnAccount):
        assert account.reason
        return
    assert account_of(account.address, network=network) == account
    assert parse_caip10(str(account), network) == account
    assert HolderKey.parse(str(account.holder)) == account.holder
    assert len(str(account.holder)) <= 160
    assert len(str(account)) <= 200


@given(text=st.one_of(st.text(), ADDRESSES.map(lambda address: f"eip155:1:{address}")), network=NETWORKS)
def test_any_text_is_a_caip_10_account_or_not(text, network):
    assert isinstance(parse_caip10(text, network), Account | NotAnAccount)


@given(data=st.binary(max_size=80))
def test_base58_reads_what_it_writes(data):
    assert base58.decode(base58.encode(data)) == (data or None)


@given(
    version=st.integers(0, 16),
    program=st.binary(min_size=2, max_size=40),
    at=st.integers(min_value=0),
    other=st.sampled_from(bech32.ALPHABET),
)
def test_bech32_notices_any_one_character_that_is_wrong(version, program, at, other):
    address = bech32.encode(bech32.WitnessProgram(prefix="bc", version=version, program=program))
    at = 3 + at % (len(address) - 3)
    if address[at] != other:
        assert bech32.decode(address[:at] + other + address[at + 1 :]) is None
