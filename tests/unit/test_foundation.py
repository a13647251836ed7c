"""The shared fixtures themselves."""

from sqlalchemy import select

from tickets.schema import events


async def test_every_database_starts_with_empty_tables(store):
    assert await store.read(lambda connection: connection.execute(select(events)).all()) == []


def test_the_development_node_mines_when_it_is_told_to(anvil):
    before = anvil.height()
    anvil.mine(3)
    assert anvil.height() == before + 3
