"""Which memo to ask a payer for: the short form links no wallet to an event in public and fits every carrier. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoForms:
    """Both ways to say which order a payment is for."""

    short: str  # o:<code>
    full: str  # event:<id>:wallet:<address>; understood even when the order is long forgotten

    def choose(self, capacity: int, *, public: bool = True) -> str | None:
        """Return the form for a carrier of so many bytes; None where it holds neither.

        The full form is chosen only where nobody else can read it: an encrypted memo.
        """
        if not public and len(self.full.encode()) <= capacity:
            return self.full
        return self.short if len(self.short.encode()) <= capacity else None


def forms(*, code: str, event: str, address: str) -> MemoForms:
    """Return the memo forms of an order: its code, its event's number or slug, its holder's address."""
    return MemoForms(short=f"o:{code}", full=f"event:{event}:wallet:{address}")
