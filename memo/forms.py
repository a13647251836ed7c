"""Which memo to ask a payer for: the short form links no wallet to an event in public and fits every carrier. Pure."""

from dataclasses import dataclass

from memo.grammar import EventMemo, OrderMemo, write


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoForms:
    """Both ways to say which order a payment is for."""

    short: str  # o:<code>
    full: str  # event:<id>:wallet:<address>…; understood even when the order is long forgotten

    def choose(self, capacity: int, *, public: bool = True) -> str | None:
        """Return the form for a carrier of so many bytes; None where it holds neither.

        The full form is chosen only where nobody else can read it: in an encrypted memo.
        """
        if not public and len(self.full.encode()) <= capacity:
            return self.full
        return self.short if len(self.short.encode()) <= capacity else None


def forms(*, code: str, memo: EventMemo) -> MemoForms:
    """Return the memo forms of an order: by its code, and by what a bare memo would have to say."""
    return MemoForms(short=write(OrderMemo(code=code)), full=write(memo))
