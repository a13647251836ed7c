"""Why money is owed back: every reason with the sentence that payer and operator read. Nothing is decided here."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a payment, or a part of one, did not become a ticket."""

    NO_MEMO = "no_memo"
    UNREADABLE_MEMO = "unreadable_memo"
    CONFLICTING_MEMOS = "conflicting_memos"
    SUBSCRIPTION = "subscription"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_TIER = "unknown_tier"
    BAD_QUANTITY = "bad_quantity"
    WALLET_NOT_SUPPORTED = "wallet_not_supported"
    WRONG_ASSET = "wrong_asset"
    NOT_OPEN_YET = "not_open_yet"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    PURCHASE_LIMIT = "purchase_limit"
    SOLD_OUT = "sold_out"
    LATE = "late"
    ORDER_PAID = "order_paid"
    OVERPAID = "overpaid"
    SHORT = "short"
    FELL_APART = "fell_apart"

    @property
    def sentence(self) -> str:
        """Return what the payer is told."""
        return SENTENCES[self]


SENTENCES = {
    Reason.NO_MEMO: "The payment carried no memo, so it could not be told which ticket it was for.",
    Reason.UNREADABLE_MEMO: "The payment's memo names no event and no order.",
    Reason.CONFLICTING_MEMOS: "The payment names two different purchases, so neither was made.",
    Reason.SUBSCRIPTION: "The payment is for a subscription, which is not sold here.",
    Reason.UNKNOWN_ORDER: "There is no order with the code in the memo.",
    Reason.UNKNOWN_EVENT: "There is no event with the name or number in the memo.",
    Reason.UNKNOWN_TIER: "The event has no tickets of the kind named in the memo.",
    Reason.BAD_QUANTITY: "The number of tickets named in the memo cannot be sold.",
    Reason.WALLET_NOT_SUPPORTED: "The wallet in the memo cannot show itself at the door yet.",
    Reason.WRONG_ASSET: "The ticket is not sold in the currency that was paid.",
    Reason.NOT_OPEN_YET: "The payment was made before ticket sales opened.",
    Reason.CLOSED: "The payment was made after ticket sales had closed.",
    Reason.CANCELLED: "The event has been cancelled.",
    Reason.PURCHASE_LIMIT: "The wallet has all the tickets that one wallet may have.",
    Reason.SOLD_OUT: "The last tickets were sold before this payment was confirmed.",
    Reason.LATE: "The payment was made after the order's time had run out, and no place was left.",
    Reason.ORDER_PAID: "The order had been paid already.",
    Reason.OVERPAID: "More was paid than the tickets cost; this is the rest.",
    Reason.SHORT: "Less was paid than the tickets cost, and the rest did not arrive before sales closed.",
    Reason.FELL_APART: "Another payment of the same order was undone by its chain and did not return in time.",
}
