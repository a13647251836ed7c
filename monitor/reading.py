"""What the texts of one payment say together. Pure; what follows from it is decided in `decide`."""

from collections.abc import Iterable
from dataclasses import dataclass

from config.registry import Network
from memo.grammar import EventMemo, OrderMemo, SubscriptionMemo, parse
from tickets.reasons import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Everything a payment's texts name, each once, in their order. What is no memo of ours says nothing."""

    codes: tuple[str, ...] = ()  # of orders
    events: tuple[EventMemo, ...] = ()
    subscriptions: tuple[SubscriptionMemo, ...] = ()
    silent: bool = True  # no text travelled along at all
    contested: bool = False  # what else travelled along names several orders

    @property
    def trouble(self) -> Reason | None:
        """Why these texts do not name one purchase of ours; a code wins over what stands beside it."""
        if self.contested:
            return Reason.CONFLICTING_MEMOS
        if self.codes:
            return Reason.CONFLICTING_MEMOS if len(self.codes) > 1 else None
        if len(self.events) + len(self.subscriptions) > 1:
            return Reason.CONFLICTING_MEMOS
        if self.subscriptions:
            return Reason.SUBSCRIPTION
        if not self.events:
            return Reason.NO_MEMO if self.silent else Reason.UNREADABLE_MEMO
        return None

    @property
    def event(self) -> EventMemo | None:
        """The one event memo, unless a code wins over it."""
        return self.events[0] if len(self.events) == 1 and self.trouble is None and not self.codes else None


def read(texts: Iterable[str], *, network: Network) -> Reading:
    """Return what the texts of one payment say."""
    texts = tuple(texts)
    memos = [parse(text, network=network) for text in texts]
    return Reading(
        codes=tuple(dict.fromkeys(memo.code for memo in memos if isinstance(memo, OrderMemo))),
        events=_distinct(memo for memo in memos if isinstance(memo, EventMemo)),
        subscriptions=tuple(dict.fromkeys(memo for memo in memos if isinstance(memo, SubscriptionMemo))),
        silent=not any(text.strip() for text in texts),
    )


def _distinct(memos: Iterable[EventMemo]) -> tuple[EventMemo, ...]:
    """Return each memo once; their extras are mappings, which cannot be hashed."""
    distinct: list[EventMemo] = []
    for memo in memos:
        if memo not in distinct:
            distinct.append(memo)
    return tuple(distinct)
