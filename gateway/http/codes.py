"""Every refusal of the gateway: its code, status and public text. Deciding to refuse lives elsewhere."""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A stable code, its HTTP status, its title and what the client can do. docs/problems.md is made from it."""

    status: int
    title: str  # type: ignore[assignment]  # a code is never put in title case
    advice: str

    def __new__(cls, code: str, status: int, title: str, advice: str) -> Self:
        """Make a member that is its code and carries the rest of its row."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.title = title
        member.advice = advice
        return member

    # --- the request itself ------------------------------------------------------------------------
    NOT_JSON = "not_json", 400, "The body is not JSON", "Send one JSON object in UTF-8."
    MALFORMED_REQUEST = (
        "malformed_request",
        400,
        "The request could not be read",
        "Check its encoding, length and characters.",
    )
    NOT_FOUND = "not_found", 404, "There is nothing here", "See /openapi.json for what there is."
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "This method is not for this address", "See the Allow field."
    BODY_TOO_SLOW = "body_too_slow", 408, "The body took too long to arrive", "Send it again, all at once."
    BODY_TOO_LARGE = "body_too_large", 413, "The body is too large", "Send less; nothing here needs as much."
    NOT_JSON_TYPE = (
        "unsupported_media_type",
        415,
        "The body is not declared as JSON",
        "Set Content-Type to application/json and leave the body uncompressed.",
    )
    EXPECTATION_FAILED = (
        "expectation_failed",
        417,
        "What the request expects is not done here",
        "Leave the Expect field out, or expect 100-continue.",
    )
    INVALID_FIELDS = "invalid_fields", 422, "Some fields are missing or wrong", "Correct the fields in `errors`."
    SECRET_IN_URL = (
        "secret_in_url",
        400,
        "Signatures and tokens do not belong in a URL",
        "Send them in the body or in the Authorization field; treat this one as seen by others.",
    )
    ORIGIN_NOT_ALLOWED = (
        "origin_not_allowed",
        403,
        "This page may not use this door",
        "Ask the operator, or the event's creator, to list the page's origin.",
    )
    RATE_LIMITED = "rate_limited", 429, "Too many requests", "Wait as long as Retry-After says."

    # --- Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07) ---------------------------
    IDEMPOTENCY_KEY_MALFORMED = (
        "idempotency_key_malformed",
        400,
        "The Idempotency-Key is malformed",
        "Send one key of 1 to 255 printable characters, such as a UUID.",
    )
    IDEMPOTENCY_KEY_IN_USE = (
        "idempotency_key_in_use",
        409,
        "A request with this Idempotency-Key is being worked on",
        "Wait a moment and send the same request again.",
    )
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        422,
        "This Idempotency-Key belongs to another request",
        "Use a new key for a new request.",
    )

    # --- events and orders ----------------------------------------------------------------------------
    UNKNOWN_EVENT = "unknown_event", 404, "There is no such event", "Check the event's id or slug."
    UNKNOWN_ORDER = "unknown_order", 404, "There is no such order", "Check the order's id."
    UNKNOWN_PAYMENT = (
        "unknown_payment",
        404,
        "No such payment has reached us",
        "Check the id; a payment is known a few blocks after it was sent, and only if it went to one of our addresses.",
    )
    UNKNOWN_TIER = "unknown_tier", 404, "The event has no such tier", "Choose one of the tiers of the event."
    UNKNOWN_PAYMENT_METHOD = (
        "unknown_payment_method",
        422,
        "This payment method is not known here",
        "Use a name such as `eth` or `usdc:polygon`, or a CAIP-19 id, out of the event's prices.",
    )
    ASSET_NOT_ACCEPTED = (
        "asset_not_accepted",
        409,
        "This event is not sold in that asset",
        "Choose an asset out of the tier's prices.",
    )
    INVALID_ACCOUNT = (
        "invalid_account",
        422,
        "This is not the address of a wallet",
        "Check its spelling, its checksum and its network.",
    )
    WALLET_NOT_SUPPORTED = (
        "wallet_not_supported",
        422,
        "Wallets of this kind cannot prove themselves here",
        "Use another wallet: nothing is sold to one that could not open the door.",
    )
    SALE_NOT_OPEN = "sale_not_open", 409, "Sales have not begun", "Come back when sales open."
    SALE_OVER = "sale_over", 409, "Sales are over", "No more tickets are sold for this event."
    EVENT_CANCELLED = "event_cancelled", 410, "The event was cancelled", "Money paid for it is owed back."
    SOLD_OUT = "sold_out", 409, "No tickets are left", "Places of unpaid orders come back when they expire."
    BAD_QUANTITY = "bad_quantity", 422, "That many tickets are not sold at once", "Ask for fewer, and at least one."
    PURCHASE_LIMIT = "purchase_limit", 409, "This wallet has all the tickets it may have", "Use what it has."
    ORDER_NOT_OPEN = "order_not_open", 409, "The order is not open any more", "See its state."
    ORDER_HAS_PAYMENT = (
        "order_has_payment",
        409,
        "A payment for this order was seen",
        "It cannot be released; see its payments.",
    )
    NO_PAYMENT_LINK = (
        "no_payment_link",
        404,
        "A link cannot say which order it pays",
        "Pay with the transaction, which carries the memo, or with the memo by hand.",
    )
    TOO_MANY_STREAMS = (
        "too_many_streams",
        503,
        "Too many status streams are open",
        "Ask for the order's state now and then instead.",
    )

    # --- the gate: the proof --------------------------------------------------------------------------
    PROOF_REQUIRED = (
        "proof_required",
        401,
        "A wallet's signature is needed",
        "Ask for a challenge, sign its text and send both.",
    )
    MALFORMED_MESSAGE = (
        "malformed_message",
        400,
        "The signed message is not one of our texts",
        "Sign the text of the challenge exactly as it came.",
    )
    TIMESTAMP_FORM_OFF = (
        "timestamp_form_off",
        400,
        "This deployment does not take the timestamp form",
        "Ask for a challenge and sign its text.",
    )
    PROOF_EXPIRED = "proof_expired", 401, "The signed text is too old", "Sign a new one; compare clocks first."
    PROOF_FROM_FUTURE = (
        "proof_from_future",
        401,
        "The signed text is from the future",
        "Set the clock by `server_time` and sign again.",
    )
    WRONG_DOMAIN = "wrong_domain", 401, "The text was signed for another site", "Sign in on this site only."
    WRONG_PURPOSE = "wrong_purpose", 401, "The text was signed for another purpose", "Sign a text for this one."
    WRONG_EVENT = "wrong_event", 401, "The text was signed for another event", "Sign a text for this event."
    WRONG_WALLET = "wrong_wallet", 401, "The text names another wallet", "Sign with the wallet that is named."
    UNKNOWN_CHALLENGE = (
        "unknown_challenge",
        401,
        "This challenge was not issued here, or not for this",
        "Ask for a challenge and sign its text.",
    )
    PROOF_SPENT = "proof_spent", 409, "This proof has opened once already", "Sign a new text."
    SIGNATURE_INVALID = (
        "signature_invalid",
        401,
        "The wallet did not sign this text",
        "Sign with the wallet that holds the ticket; a contract must accept it within 5 million gas.",
    )
    SIGNATURE_INCONCLUSIVE = (
        "signature_inconclusive",
        503,
        "The wallet's chain could not be asked",
        "Nothing was spent; try again shortly with the same proof.",
    )
    # --- the gate: the ticket and the event -----------------------------------------------------------
    NO_TICKET = "no_ticket", 403, "This wallet holds no ticket for the event", "Buy one, or use the wallet it is on."
    TICKET_SUSPENDED = (
        "ticket_suspended",
        403,
        "The ticket's payment left the chain",
        "The ticket is valid again as soon as the payment returns.",
    )
    TICKET_REVOKED = "ticket_revoked", 403, "The ticket was revoked", "Ask the event's creator."
    TICKET_REFUNDED = "ticket_refunded", 403, "The ticket was refunded", "Buy a new one."
    TICKET_TRANSFERRED = "ticket_transferred", 403, "The ticket belongs to another wallet now", "Use that wallet."
    BANNED = "banned", 403, "This wallet is banned from the event", "Ask the event's creator."
    DOORS_CLOSED = "doors_closed", 403, "The doors are not open yet", "Come back when they open."
    EVENT_OVER = "event_over", 410, "The event is over", "Nothing is left to join."
    # --- the gate: sessions ---------------------------------------------------------------------------
    SESSION_REQUIRED = (
        "session_required",
        401,
        "A session is needed",
        "Join the event and send the session token as Bearer.",
    )
    SESSION_INVALID = "session_invalid", 401, "The session token is not ours", "Join the event again."
    SESSION_EXPIRED = "session_expired", 401, "The session token has expired", "Resume the session, or join again."
    SESSION_CLOSED = (
        "session_closed",
        401,
        "The session was closed, or a newer one took its place",
        "Join the event again.",
    )
    RESUME_INVALID = "resume_invalid", 401, "This resume secret opens nothing", "Join the event again."
    NO_TURN = "no_turn", 404, "No TURN server is configured here", "Connect without one."
    GATE_BLIND = (
        "gate_blind",
        503,
        "The gate cannot see its own door list right now",
        "Nobody is admitted until it can; nothing was spent.",
    )
    NOT_A_WEBSOCKET = "not_a_websocket", 426, "This door takes websockets only", "Upgrade to a websocket (RFC 6455)."
    TOO_MANY_SOCKETS = "too_many_sockets", 503, "The room's server is full", "Try again shortly."

    # --- ours -------------------------------------------------------------------------------------------
    SERVER_ERROR = (
        "server_error",
        500,
        "Something went wrong on our side",
        "Try again later; the operator finds the reason under the request's id.",
    )
    STORE_UNAVAILABLE = (
        "store_unavailable",
        503,
        "The database cannot work right now",
        "Nothing was stored; try again later.",
    )
    CHAIN_NOT_READY = (
        "chain_not_ready",
        503,
        "This chain is not being watched yet",
        "Try again later, or pay on another chain.",
    )
    NO_ADDRESS_READY = (
        "no_address_ready",
        503,
        "No address for this order is being watched yet",
        "More are being prepared; ask again when Retry-After says.",
    )
    CHAIN_STOPPED = (
        "chain_stopped",
        503,
        "Sales on this chain are paused",
        "Pay on another chain, or wait until the operator has looked at it.",
    )


def problems_page() -> str:
    """Return docs/problems.md."""
    rows = "\n".join(f"| `{code}` | {code.status} | {code.title} | {code.advice} |" for code in Code)
    return (
        "# Problems\n\n"
        "What the gateway answers when it refuses, as `application/problem+json` (RFC 9457). `code` is stable;\n"
        "`error` is the same in words; `server_time` is there where time was the reason; the request's id is in\n"
        "`X-Request-Id`.\n"
        "This page is made from `gateway/http/codes.py` by `python -m gateway.http.codes > docs/problems.md`.\n\n"
        "| code | status | meaning | what to do |\n| --- | --- | --- | --- |\n"
        f"{rows}\n"
    )


if __name__ == "__main__":
    print(problems_page(), end="")  # noqa: T201  this is the generator of a page
