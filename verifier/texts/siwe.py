"""EIP-4361, Sign-In with Ethereum: the strict reader and writer of its text. Pure."""

from chains.evm import address as evm
from verifier.texts.layout import Layout, Malformed, SignIn


def _misspelt(address: str) -> str | None:
    if evm.display(bytes.fromhex(address[2:])) != address:
        return "address: its letters do not carry the EIP-55 checksum"
    return None


LAYOUT = Layout(
    ecosystem="Ethereum",
    norm="EIP-4361",
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
