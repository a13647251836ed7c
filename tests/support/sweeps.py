"""What tests ask of a source, and what they read out of its answer."""

from collections.abc import Iterable

from chains.port import Payment, Sweep, Watch


def watching(*addresses: str) -> Watch:
    """Return a watch over these addresses."""
    return Watch(active=frozenset(addresses))


def amounts(payments: Iterable[Payment]) -> list[int]:
    """Return what the payments bring, in their order."""
    return [payment.amount for payment in payments]


def pending(sweep: Sweep) -> dict[int, int]:
    """Return the confirmations of what is pending, by its amount."""
    return {entry.payment.amount: entry.confirmations for entry in sweep.pending}
