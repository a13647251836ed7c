"""Which look-ahead finds every payment is held against wallets that are restored from keys and scan the chain."""

import pytest

from chains.gap import look_ahead
from tests.support.monero_world import PASSWORD, monero_world
from tests.support.monerod import wallet_rpc

pytestmark = pytest.mark.xdist_group("chain monero")

FAR = 250
"""More positions than a wallet knows by itself."""


def found(world, count, *, since):
    """Restore our wallet with a look-ahead, and return the indexes that it finds paid."""
    with wallet_rpc(world.node.url) as rpc:
        secrets = {"filename": "restored", "password": PASSWORD, "address": world.primary, "viewkey": world.view_key}
        rpc.rpc("auto_refresh", enable=False)
        rpc.rpc("generate_from_keys", **secrets, restore_height=since)
        rpc.rpc("set_subaddress_lookahead", major_idx=1, minor_idx=count, password=PASSWORD)
        rpc.rpc("refresh")
        return {one["subaddr_index"]["minor"] for one in rpc.rpc("get_transfers", **{"in": True}).get("in", [])}


def test_the_look_ahead_is_the_smallest_that_finds_every_payment_in_one_scan():
    world = monero_world()
    world.node.flush()
    since = world.node.height()
    near = world.shown + FAR
    world.shown = far = near + FAR
    for index in (near, far):  # the near one makes the wallet know more, but too late for what it scans at once
        world.pay((world.keys.at(index), 7))
        world.mine()
    count = look_ahead([], shown=far)  # position 0 is index 1
    assert found(world, count, since=since) >= {near, far}
    assert far not in found(world, count - 1, since=since)
