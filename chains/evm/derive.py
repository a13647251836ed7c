"""Order addresses out of a watch-only extended public key (BIP-32). No private key ever comes here."""

from bip32 import BIP32, InvalidInputError, ParsingError
from coincurve import PublicKey

from chains.evm.address import display
from chains.keccak import keccak256

EXTERNAL = 0
"""BIP-44's chain of addresses that are shown to others; `xpub` is the account's key, m/44'/60'/a'."""
CHILDREN = 2**31
"""Unhardened children of a key, BIP-32 §Extended keys; the others cannot be derived from a public one."""


class NotWatchOnlyError(ValueError):
    """The key for order addresses must be an extended public key (xpub…) of an account; keep the private one away."""


def addresses(xpub: str, start: int, count: int) -> list[str]:
    """Return the EIP-55 addresses at m/0/start … below the account's xpub. Raises NotWatchOnlyError, ValueError."""
    if start < 0 or count < 0 or start + count > CHILDREN:
        raise ValueError(f"a key has {CHILDREN} children; {count} from {start} on are not among them")
    branch = _external_branch(xpub)
    return [_address(branch.get_pubkey_from_path([position])) for position in range(start, start + count)]


def _external_branch(xpub: str) -> BIP32:
    try:
        account = BIP32.from_xpub(xpub)
        return BIP32.from_xpub(account.get_xpub_from_path([EXTERNAL]))
    except (InvalidInputError, ParsingError, ValueError):
        raise NotWatchOnlyError(NotWatchOnlyError.__doc__) from None  # the cause may quote a private key


def _address(compressed: bytes) -> str:
    """Return the last 20 bytes of the Keccak of the point's 64 bytes (Yellow Paper, appendix F)."""
    return display(keccak256(PublicKey(compressed).format(compressed=False)[1:])[-20:])
