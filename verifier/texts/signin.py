"""What a sign-in text rules out by itself, whoever signed it: another wallet, another time, another spelling. Pure."""

from datetime import datetime, timedelta

from chains.account import Account
from chains.accounts import parse_caip10
from verifier.texts import rfc3339
from verifier.texts.layout import Layout, Malformed, SignIn
from verifier.texts.layouts import LAYOUTS, claimed


def claims(text: str) -> bool:
    """Whether a text presents itself as a sign-in, well-formed or not: then it must keep what its layout says."""
    return claimed(text) is not None


def objection(text: str, account: Account, *, now: datetime, skew: timedelta) -> str | None:
    """Return why a text must not be taken from this wallet at this moment, whoever signed it; None if it may be.

    A text that claims to be no sign-in says nothing about wallets and times. Domain and nonce are for those who issued
    them to compare (EIP-4361 §Verifying a signed Message).
    """
    layout = claimed(text)
    if layout is None:
        return None
    message = layout.parse(text)
    if isinstance(message, Malformed):
        return f"not as {layout.norm} says: {message.reason}"
    if not _names(message, layout, account):
        return "the text names another wallet"
    expires = message.expiration_time and rfc3339.moment(message.expiration_time)
    if expires and expires + skew <= now:
        return "the text has expired"
    begins = message.not_before and rfc3339.moment(message.not_before)
    if begins and now + skew < begins:
        return "the text is not valid yet"
    return None


def _names(message: SignIn, layout: Layout, account: Account) -> bool:
    """Whether the text speaks for this holder; on which chain is the gate's to compare, for one key signs on all."""
    if layout is not LAYOUTS[account.holder.family]:
        return False
    if message.address == account.address:
        return True
    named = parse_caip10(f"{account.chain}:{message.address}", account.holder.network)
    return isinstance(named, Account) and named.holder == account.holder
