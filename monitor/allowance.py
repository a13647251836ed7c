"""How much of its purchase limit a wallet has used up, those orders included that are not written yet."""

from chains.account import HolderKey
from monitor.sitting import Sitting
from tickets import limits
from tickets.event import Event


def counted(sitting: Sitting, event: Event, holder: HolderKey, *, besides: str | None) -> int:
    """Return how many tickets of an event a wallet has or is about to have by its own proof, but for one order.

    Where there is no limit nothing is counted. The events were locked (`limits.lock`) before their orders.
    """
    if event.purchase_limit is None:
        return 0
    count = limits.counted(sitting.conn, event.id, holder)
    for stored, present in sitting.orders:
        count -= limits.share(stored, event.id, holder) if stored is not None else 0
        count += limits.share(present, event.id, holder) if present.id != besides else 0
    return count
