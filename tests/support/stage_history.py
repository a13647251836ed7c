"""A short history with something of everything, which must give the same book however it is read."""

from dataclasses import dataclass

from tests.support.natures import FINALITY
from tests.support.stage import Bill
from tests.support.stage_world import StageWorld


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What will be paid: two orders are placed, nothing has happened yet."""

    bought: Bill  # one ticket, exactly
    begun: Bill  # half of another
    completed: Bill  # its other half, and too much
    stray: Bill  # for nothing


async def prepare(world: StageWorld) -> History:
    """Place the orders that the history speaks of."""
    event = await world.event(capacity=3)
    first, second = await world.order(event, 1), await world.order(event, 2)
    return History(
        bought=world.bill(first),
        begun=world.bill(second, world.price // 2),
        completed=world.bill(second, world.price),
        stray=world.stray_bill(None),
    )


async def begin(world: StageWorld, history: History) -> None:
    """Pay in parts, for nothing, and in a block that is replaced; all of it still pending at the end."""
    world.stage.pay(history.begun)
    await world.mine()
    txid = world.stage.pay(history.bought)
    await world.mine()
    world.stage.reorg(1)
    await world.catch_up()
    world.stage.send_again(txid)
    await world.mine()


def complete(world: StageWorld, history: History) -> None:
    """Pay the rest and mine until all is final; nothing of this is read here."""
    world.stage.pay(history.stray)
    world.stage.mine()
    world.stage.pay(history.completed)
    world.stage.mine(FINALITY + 1)
