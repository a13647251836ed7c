"""How far each chain's line of own addresses was handed out, and where it was paid: what a wallet must find again."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from tickets.addresses import AddressState
from tickets.schema import order_addresses, payments
from tickets.till import PaymentState


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressLine:
    """One chain's addresses, by their positions from 0 on."""

    handed_out: int  # how many of them buyers may have seen: shown, or given up after a restore
    end: int  # the position behind the last one of these
    paid: dict[int, str]  # the addresses that final payments came to, by ascending position


_COLUMNS = order_addresses.c
_HANDED_OUT = (
    select(_COLUMNS.chain, func.count().label("handed_out"), func.max(_COLUMNS.position).label("last"))
    .where(_COLUMNS.state.in_((AddressState.SHOWN, AddressState.RETIRED)))
    .group_by(_COLUMNS.chain)
)
_PAID = (
    select(_COLUMNS.chain, _COLUMNS.position, _COLUMNS.address)
    .join(payments, and_(payments.c.chain == _COLUMNS.chain, payments.c.destination == _COLUMNS.address))
    .where(payments.c.state == PaymentState.FINAL)  # what may vanish yet bridges no gap
    .distinct()
    .order_by(_COLUMNS.position)
)


def of_chains(conn: Connection) -> dict[str, AddressLine]:
    """Return every chain's line, where buyers may have seen any of it."""
    paid: dict[str, dict[int, str]] = {}
    for row in conn.execute(_PAID):
        paid.setdefault(row.chain, {})[row.position] = row.address
    return {
        row.chain: AddressLine(handed_out=row.handed_out, end=row.last + 1, paid=paid.get(row.chain, {}))
        for row in conn.execute(_HANDED_OUT)
    }
