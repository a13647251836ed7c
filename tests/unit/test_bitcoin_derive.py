"""Order addresses out of watch-only keys, held against the vectors of the BIPs; a real node is asked in tests/nodes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chains.bitcoin.derive import UnusableKeyError, deriving
from chains.bitcoin.descriptor import Kind, Unusable, checksum, parse
from config import bitcoinlib_home
from config.loader import load_registry
from config.registry import Network

MAIN = load_registry().chain("bip122:000000000019d6689c085ae165831e93")
REGTEST = load_registry().chain("bip122:0f9188f13cb7b2c71f2a335e3a4fc328")

# The accounts of the vectors of BIP-84, BIP-86 and BIP-49 (eleven times `abandon`, then `about`).
ZPUB = "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
FIRST_OF_ZPUB = [
    "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
    "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g",
]
XPUB_86 = (
    "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
)
FIRST_OF_86 = [
    "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
    "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh",
]
TPUB_49 = (
    "tpubDD7tXK8KeQ3YY83yWq755fHY2JW8Ha8Q765tknUM5rSvjPcGWfUppDFMpQ1ScziKfW3ZNtZvAD7M3u7bSs7HofjTD3KP3YxPK7X6hwV8Rk2"
)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("BCL_DATA_DIR", str(tmp_path_factory.getbasetemp() / "bitcoinlib"))


def xpub_of(key, version):
    """Return an extended key with another version in front."""
    from chains import base58  # noqa: PLC0415
    from tests.support.bitcoin_blocks import hashed  # noqa: PLC0415

    payload = bytes.fromhex(version) + base58.decode(key)[4:-4]
    return base58.encode(payload + hashed(payload)[:4])


XPUB = xpub_of(ZPUB, "0488b21e")


def test_a_zpub_gives_the_addresses_of_bip_84():
    derive = deriving(ZPUB, MAIN)
    assert derive(0, 2) == FIRST_OF_ZPUB
    assert derive(1, 1) == FIRST_OF_ZPUB[1:]
    assert derive(5, 0) == []


def test_a_taproot_descriptor_gives_the_addresses_of_bip_86():
    assert deriving(f"tr({XPUB_86}/0/*)", MAIN)(0, 2) == FIRST_OF_86


def test_a_descriptor_of_nested_segwit_gives_the_address_of_bip_49():
    assert deriving(f"sh(wpkh({TPUB_49}/0/*))", REGTEST)(0, 1) == ["2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"]


@pytest.mark.parametrize(
    "written",
    [
        f"wpkh({XPUB}/0/*)",
        f"wpkh([73c5da0a/84'/0'/0']{XPUB}/0/*)",
        f"wpkh([73c5da0a/84h/0H/0h]{XPUB}/<0;1>/*)",
        f"wpkh({XPUB}/0/*)#{checksum(f'wpkh({XPUB}/0/*)')}",
        f"  {ZPUB}\n",
    ],
)
def test_the_same_key_may_be_written_in_several_ways(written):
    assert deriving(written, MAIN)(0, 2) == FIRST_OF_ZPUB


@pytest.mark.parametrize(
    ("version", "network", "kind"),
    [
        ("0488b21e", Network.MAIN, Kind.P2PKH),
        ("049d7cb2", Network.MAIN, Kind.P2SH_P2WPKH),
        ("04b24746", Network.MAIN, Kind.P2WPKH),
        ("043587cf", Network.TEST, Kind.P2PKH),
        ("044a5262", Network.TEST, Kind.P2SH_P2WPKH),
        ("045f1cf6", Network.TEST, Kind.P2WPKH),
    ],
)
def test_a_bare_key_says_by_its_prefix_which_addresses_it_makes(version, network, kind):
    descriptor = parse(xpub_of(ZPUB, version))
    assert (descriptor.network, descriptor.kind, descriptor.steps) == (network, kind, (0,))


@pytest.mark.parametrize(("path", "steps"), [("/*", ()), ("/0/*", (0,)), ("/7/8/9/*", (7, 8, 9)), ("/<4;5;6>/*", (4,))])
def test_a_descriptor_says_how_to_come_to_where_addresses_are_counted(path, steps):
    assert parse(f"wpkh({XPUB}{path})").steps == steps


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "neither an extended public key nor a descriptor"),
        ("xpub", "neither an extended public key nor a descriptor"),
        (ZPUB[:-1] + "t", "neither an extended public key nor a descriptor"),
        (XPUB.replace("xpub", "xprv", 1), "neither an extended public key nor a descriptor"),
        ("x" * 5_000, "longer than any key"),
        (f"wpkh({XPUB})", "must end in /*"),
        (f"wpkh({XPUB}/0)", "must end in /*"),
        (f"wpkh({XPUB}/0'/*)", "without hardened steps"),
        (f"wpkh({XPUB}/0/*')", "without hardened steps"),
        (f"wpkh({XPUB}/2147483648/*)", "no public key can make"),
        (f"wpkh({ZPUB}/0/*)", "within a descriptor it must be the xpub"),
        (f"wpkh({XPUB[:-1]}z/0/*)", "holds no extended public key"),
        (f"wpkh([73c5da0/84']{XPUB}/0/*)", "without hardened steps"),
        (f"wpkh({XPUB}/0/*)#", "fails its checksum"),
        (f"wpkh({XPUB}/0/*)#aaaaaaaa", "fails its checksum"),
        (f"wpkh({XPUB}/0/*)é#aaaaaaaa", "fails its checksum"),
        (f"wsh(multi(1,{XPUB}/0/*))", "over one key, without scripts"),
        (f"tr({XPUB}/0/*,pk({XPUB}/0/*))", "over one key, without scripts"),
        (f"pkh({XPUB}/0/*", "over one key, without scripts"),
        (f"addr({FIRST_OF_ZPUB[0]})", "over one key, without scripts"),
    ],
)
def test_what_gives_no_addresses_is_refused_with_the_reason_and_never_repeated(written, reason):
    unusable = parse(written)
    assert isinstance(unusable, Unusable)
    assert reason in unusable.reason
    with pytest.raises(UnusableKeyError) as caught:
        deriving(written, MAIN)
    assert XPUB[4:30] not in str(caught.value)
    assert ZPUB[4:30] not in str(caught.value)


def test_a_key_of_the_other_network_is_refused():
    with pytest.raises(UnusableKeyError, match="is of the main network"):
        deriving(ZPUB, REGTEST)
    with pytest.raises(UnusableKeyError, match="is of the test network"):
        deriving(f"sh(wpkh({TPUB_49}/0/*))", MAIN)


def test_a_key_that_is_no_point_of_the_curve_is_refused():
    from chains import base58  # noqa: PLC0415
    from tests.support.bitcoin_blocks import hashed  # noqa: PLC0415

    payload = base58.decode(ZPUB)[:-4][:46] + b"\xff" * 32
    with pytest.raises(UnusableKeyError, match="no point of the curve"):
        deriving(base58.encode(payload + hashed(payload)[:4]), MAIN)


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, -1), (2**31 - 1, 2)])
def test_positions_that_do_not_exist_are_refused(start, count):
    with pytest.raises(ValueError, match="children"):
        deriving(ZPUB, MAIN)(start, count)


@pytest.mark.parametrize(  # BIP-380's vectors
    ("body", "told"), [("raw(deadbeef)", "89f8spxm"), ("raw(deedbeef)", None), ("raw(Ü)", None)]
)
def test_checksums_are_those_of_bip_380(body, told):
    assert (checksum(body) == "89f8spxm") is (told is not None)


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/usher/bitcoinlib"),
        ({"STATE_DIRECTORY": "/state", "XDG_CACHE_HOME": "/xdg"}, "/state/bitcoinlib"),
        ({"CACHE_DIRECTORY": "/cache:/more", "STATE_DIRECTORY": "/state"}, "/cache/bitcoinlib"),
        ({"BCL_DATA_DIR": "/own", "CACHE_DIRECTORY": "/cache"}, "/own"),
    ],
)
def test_bitcoinlib_is_told_a_folder_of_ours_unless_one_is_named(monkeypatch, variables, folder):
    for name in ("BCL_DATA_DIR", "CACHE_DIRECTORY", "STATE_DIRECTORY", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bitcoinlib_home.prepare()
    assert os.environ["BCL_DATA_DIR"] == folder


def test_bitcoinlib_writes_where_it_is_told_and_not_into_home(tmp_path):
    """In a process of its own: it decides when it is imported."""
    code = f"""
from chains.bitcoin.derive import deriving
from config.loader import load_registry
chain = load_registry().chain({MAIN.id!r})
assert deriving({ZPUB!r}, chain)(0, 1) == [{FIRST_OF_ZPUB[0]!r}]
"""
    environment = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "xdg")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert (tmp_path / "xdg" / "usher" / "bitcoinlib").is_dir()
    assert not (tmp_path / "home").exists()
