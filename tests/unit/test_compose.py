"""Where the rooms are put together: what each chain's settings become, and what the gate says before it shows."""

import pytest

from config.gate_secret import create_gate_secret
from tests.support.config_files import RECEIVE, TEXT, XPUB, load
from tickets import addresses
from tickets.keys import Keyring
from usher import compose
from usher.compose import House

FIRST, SECOND = "eip155:1", "eip155:137"
ANOTHER = f"""
[chains."{SECOND}"]
endpoints = ["http://127.0.0.1:8545"]
receive = "{RECEIVE}"
xpub = "{XPUB}"
address_range = 3
"""


@pytest.fixture
async def house(tmp_path, store, now):
    Keyring.create(tmp_path / "keys", now=now)
    create_gate_secret(tmp_path / "keys")
    text = TEXT.replace('"test"', '"main"').replace("eip155:31337", FIRST)
    settings = load(tmp_path, text.replace("[turn]", f"{ANOTHER}\n[turn]"))
    return House.of(settings, store)


async def unused(house):
    return [await house.store.read(lambda conn, c=chain: addresses.unused(conn, c)) for chain in (FIRST, SECOND)]


async def test_each_chain_keeps_as_many_addresses_ready_as_it_was_told(house):
    assert await compose.housekeeping(house).extend_addresses() == 103
    assert await unused(house) == [100, 3]
    await house.store.transact(lambda conn: addresses.jump(conn, SECOND, 1))
    assert await compose.housekeeping(house).extend_addresses() == 2
    assert await unused(house) == [100, 3]


async def test_the_gate_has_an_address_watched_before_it_shows_it(house):
    async with compose.gate(house):
        for chain in (FIRST, SECOND):
            watched = await house.store.read(lambda conn, c=chain: addresses.watched_set(conn, c))
            assert watched.active == {RECEIVE}
