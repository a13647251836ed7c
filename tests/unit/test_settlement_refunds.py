"""To whom money goes back without asking anybody: only to whom it cannot be lost (DESIGN section 5)."""

import pytest

from payouts import dues
from tests.support.monitor_world import CHAIN, PRICE, World, memo, wallet


@pytest.fixture
async def world(store):
    made = World(store=store)
    made.chain.mine()
    await made.catch_up()
    return made


async def recipient_of(world, *, sender, by=1):
    """Pay more than the ticket of a wallet costs, and look where the rest would go."""
    paid = await world.pay(PRICE + 100, memo(await world.event(), by), sender=sender, blocks=10)
    [due] = (await world.store.read(lambda conn: dues.of_payments(conn, [paid])))[paid]
    return due.recipient


async def test_the_memos_wallet_is_paid_back_where_the_money_came_from_it(world):
    assert await recipient_of(world, sender=wallet(1)) == f"{CHAIN}:{wallet(1)}"


@pytest.mark.parametrize("sender", [wallet(9), None])
async def test_a_wallet_that_somebody_else_named_is_not_guessed_to_be_on_this_chain(world, sender):
    assert await recipient_of(world, sender=sender) is None


@pytest.mark.parametrize("sender", [wallet(9), None])
async def test_a_wallet_that_signed_for_an_order_on_this_chain_is_known_to_be_there(world, sender):
    await world.order(await world.event(), 1)
    assert await recipient_of(world, sender=sender) == f"{CHAIN}:{wallet(1)}"
    assert await recipient_of(world, sender=sender, by=2) is None


async def test_what_a_wallet_itself_bought_by_bare_memo_is_no_signature(world):
    await world.pay(PRICE, memo(await world.event(), 1), sender=wallet(1), blocks=10)
    assert await recipient_of(world, sender=wallet(9)) is None


HERE, THERE = f"{CHAIN}:{wallet(1)}", f"eip155:1:{wallet(1)}"


@pytest.mark.parametrize(
    ("sender", "memo_wallet", "signed", "tickets", "recipient"),
    [
        (wallet(1), HERE, False, (), HERE),
        (wallet(2), HERE, False, (), None),
        (wallet(2), HERE, True, (), HERE),
        (None, HERE, False, (HERE,), None),
        (wallet(1), None, False, (HERE,), HERE),
        (wallet(1), None, False, (THERE,), None),
        (wallet(2), None, False, (HERE,), None),
    ],
)
def test_a_recipient_is_the_sender_where_it_is_known_or_whoever_signed(sender, memo_wallet, signed, tickets, recipient):
    known = {"chain": CHAIN, "sender": sender, "memo_wallet": memo_wallet, "memo_signed": signed}
    assert dues.recipient(**known, ticket_wallets=tickets) == recipient
