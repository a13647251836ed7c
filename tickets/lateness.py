"""Whether money came in time. Pure; when we happened to look never counts (DESIGN §5)."""

from datetime import datetime
from enum import StrEnum

from tickets.order import Order


class Timing(StrEnum):
    """When a payment came, seen from its order."""

    IN_TIME = "in_time"
    LATE = "late"


def first_known(seen_at: datetime, block_time: datetime | None) -> datetime:
    """Return the earlier of our first sighting and the block's own time."""
    return seen_at if block_time is None else min(seen_at, block_time)


def judge(order: Order, first_seen: datetime) -> Timing:
    """Judge a payment by when it was first known; an order's last moment still counts."""
    return Timing.IN_TIME if first_seen <= order.expires_at else Timing.LATE
