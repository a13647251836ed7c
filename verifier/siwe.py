"""EIP-4361, Sign-In with Ethereum: the strict reader and writer of its text, and what the text rules out. Pure."""

from datetime import datetime, timedelta

from chains.evm import address as evm
from verifier import rfc3339
from verifier.layout import Layout, Malformed, SignIn


def _misspelt(address: str) -> str | None:
    if evm.display(bytes.fromhex(address[2:])) != address:
        return "address: its letters do not carry the EIP-55 checksum"
    return None


LAYOUT = Layout(
    ecosystem="Ethereum",
    namespace="eip155",
    address="0x[0-9A-Fa-f]{40}",
    chain_id="[1-9][0-9]*",  # EIP-155 has no chain 0, and a second spelling of a number would be a second text
    objection=_misspelt,
)


def parse(text: str) -> SignIn | Malformed:
    """Read a text that follows EIP-4361's ABNF to the byte, its address in EIP-55's spelling."""
    return LAYOUT.parse(text)


def write(message: SignIn) -> str:
    """Return the text of a message; inverse to `parse`."""
    return LAYOUT.write(message)


def claims(text: str) -> bool:
    """Whether a text presents itself as a sign-in, well-formed or not: then it must keep what EIP-4361 says."""
    return LAYOUT.claim in text.partition("\n")[0]


def objection(text: str, *, address: bytes, now: datetime, skew: timedelta) -> str | None:
    """Return why a sign-in must not be taken from this wallet at this moment, whoever signed it; None if it may be.

    EIP-4361 §Verifying a signed Message. Domain and nonce are for those who issued them to compare.
    """
    message = parse(text)
    if isinstance(message, Malformed):
        return f"not as EIP-4361 says: {message.reason}"
    if bytes.fromhex(message.address[2:]) != address:
        return "the text names another wallet"
    expires = message.expiration_time and rfc3339.moment(message.expiration_time)
    if expires and expires + skew <= now:
        return "the text has expired"
    begins = message.not_before and rfc3339.moment(message.not_before)
    if begins and now + skew < begins:
        return "the text is not valid yet"
    return None
