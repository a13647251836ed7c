"""Order addresses held against the node that derives them itself."""

import pytest

from chains.bitcoin.derive import deriving
from tests.support.bitcoind import MINER
from tests.support.driver_bitcoin import bitcoin_chain, shared_bitcoind


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("BCL_DATA_DIR", str(tmp_path_factory.getbasetemp() / "bitcoinlib"))


@pytest.fixture(scope="module")
def node():
    return shared_bitcoind()


@pytest.fixture(scope="module")
def descriptors(node):
    """The node's own descriptors of addresses to be shown, by their first letters."""
    listed = node.rpc("listdescriptors", wallet=MINER)["descriptors"]
    return {one["desc"].partition("(")[0]: one["desc"] for one in listed if not one["internal"]}


@pytest.mark.parametrize("kind", ["pkh", "sh", "wpkh", "tr"])
@pytest.mark.parametrize("start", [0, 1_000_000, 2**31 - 5])
def test_every_kind_of_descriptor_gives_what_the_node_derives_from_it(node, descriptors, kind, start):
    descriptor = descriptors[kind]
    assert deriving(descriptor, bitcoin_chain())(start, 4) == node.rpc(
        "deriveaddresses", descriptor, [start, start + 3]
    )


@pytest.mark.parametrize("path", ["/*", "/0/*", "/3/2147483647/*", "/<0;1>/*"])
def test_every_path_gives_what_the_node_derives_from_it(node, descriptors, path):
    body = descriptors["wpkh"].partition("#")[0].removesuffix("/0/*)")
    described = node.rpc("getdescriptorinfo", f"{body}{path})")
    told = described.get("multipath_expansion", [described["descriptor"]])[0]
    ours = deriving(f"{body}{path})#{described['checksum']}", bitcoin_chain())(0, 3)
    assert ours == node.rpc("deriveaddresses", told, [0, 2])
