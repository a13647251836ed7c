r"""The addresses that orders are found by: subaddresses or integrated addresses, made from the private view key. Pure.

Whoever holds the view key sees every payment and can spend none; it is a secret all the same: nothing here prints it.

    subaddress (major, minor):  m = Hs("SubAddr\0" | view key | major | minor),  D = B + mG,  C = aD
    integrated address:         the primary one and a payment id, H("Usher payment id\0" | view key | index)

where (B, aG) are the public spend and view keys of the primary address (Zero to Monero 2.0, 4.3). Nobody else can tell
which payment id comes next. That any two of a million are the same has a chance of 3 in 10^8.
"""

from collections.abc import Callable, Iterable, Mapping

from nacl import bindings, exceptions

from chains.monero import address as monero
from config.keccak import keccak256
from config.registry import Network

_DOMAIN = b"SubAddr\0"
_PAYMENT_ID_DOMAIN = b"Usher payment id\0"
_ORDER = 2**252 + 27742317777372353535851937790883648493
_SUBADDRESS_BYTE = {18: 42, 53: 63, 24: 36}
"""By the network byte of standard addresses."""
_INTEGRATED_BYTE = {18: 19, 53: 54, 24: 25}
"""Likewise."""
_SPEND, _VIEW = slice(1, 33), slice(33, 65)
_BYTES, _INDEX_BYTES = 4, 8
_PAYMENT_IDS = 2**64 - 1
"""So many there are without the null one, which wallets send where nobody asked for any."""
GAP = 20_000
"""Twice the largest range that is prepared ahead: an address of ours farther from all others is of another account.
Orders that had integrated addresses leave their indices unused, so that the gap may be wider by what is watched."""
_STEP = 256


class WrongKeyError(ValueError):
    """The view key is not that of the primary address, or the address is no primary one."""


class Subaddresses:
    """The subaddresses of account 0, and which index each has. What was once computed is remembered."""

    def __init__(self, primary: str, view_key: str) -> None:
        """Take the primary address and its private view key in hex. Raises WrongKeyError."""
        keys = monero.canonical(primary, Network.TEST) or monero.canonical(primary, Network.MAIN)
        if keys is None or keys[0] not in _SUBADDRESS_BYTE:
            raise WrongKeyError("the receiving address is no primary address of a Monero wallet")
        self.primary = primary
        self._spend, self._secret = keys[_SPEND], _scalar(view_key)
        self._byte = bytes([_SUBADDRESS_BYTE[keys[0]]])
        self._integrated = bytes([_INTEGRATED_BYTE[keys[0]]]) + keys[1:]
        try:
            fits = bindings.crypto_scalarmult_ed25519_base_noclamp(self._secret) == keys[_VIEW]
            self._at(1)
        except exceptions.RuntimeError:  # a key that is no point of the group
            fits = False
        if not fits:
            raise WrongKeyError("the view key is not that of the receiving address")
        self._minors = {primary: 0}
        self._strangers: set[str] = set()

    def at(self, minor: int) -> str:
        """Return the address with this index; 0 is the primary one."""
        return self.primary if minor == 0 else self._at(minor)

    def integrated(self, index: int) -> str:
        """Return the primary address with the payment id of the order key with this index, from 0 on."""
        preimage = _PAYMENT_ID_DOMAIN + self._secret + index.to_bytes(_INDEX_BYTES, "little")
        return monero.display(self._integrated + payment_id_of(keccak256(preimage)))

    def minors(self, addresses: Iterable[str]) -> Mapping[str, int]:
        """Return the index of each of the addresses that is ours. Their order in the range does not matter."""
        wanted = set(addresses)
        missing = {one for one in wanted - self._minors.keys() - self._strangers if self._is_ours(one)}
        seen = max((self._minors[one] for one in wanted & self._minors.keys()), default=0)
        while missing and len(self._minors) <= seen + GAP + len(wanted):
            start = len(self._minors)
            fresh = {self._at(minor): minor for minor in range(start, start + _STEP)}
            self._minors |= fresh
            seen = max((fresh[one] for one in missing & fresh.keys()), default=seen)
            missing -= fresh.keys()
        self._strangers |= missing
        return {one: self._minors[one] for one in wanted & self._minors.keys()}

    def _is_ours(self, address: str) -> bool:
        """Whether the address is a subaddress that this view key sees, whatever its index: C = aD."""
        keys = monero.canonical(address, Network.TEST) or monero.canonical(address, Network.MAIN)
        try:
            ours = (
                keys is not None
                and keys[:1] == self._byte
                and bindings.crypto_scalarmult_ed25519_noclamp(self._secret, keys[_SPEND]) == keys[_VIEW]
            )
        except exceptions.RuntimeError:
            ours = False
        if not ours:
            self._strangers.add(address)
        return ours

    def _at(self, minor: int) -> str:
        major_and_minor = bytes(_BYTES) + minor.to_bytes(_BYTES, "little")
        offset = _reduced(keccak256(_DOMAIN + self._secret + major_and_minor))
        spend = bindings.crypto_core_ed25519_add(self._spend, bindings.crypto_scalarmult_ed25519_base_noclamp(offset))
        return monero.display(self._byte + spend + bindings.crypto_scalarmult_ed25519_noclamp(self._secret, spend))


def deriving(primary: str, view_key: str, *, integrated: bool = False) -> Callable[[int, int], list[str]]:
    """Return what gives the addresses of orders: index n is subaddress (0, n + 1). Raises WrongKeyError.

    `integrated`: it is the primary address with a payment id of its own instead.
    """
    addresses = Subaddresses(primary, view_key)
    if integrated:
        return lambda start, count: [addresses.integrated(index) for index in range(start, start + count)]
    return lambda start, count: [addresses.at(index + 1) for index in range(start, start + count)]


def payment_id_of(digest: bytes) -> bytes:
    """Return a hash as a payment id: eight bytes that are never all zero."""
    return (int.from_bytes(digest, "little") % _PAYMENT_IDS + 1).to_bytes(8, "little")


def _reduced(digest: bytes) -> bytes:
    """Return a hash as a scalar (sc_reduce32)."""
    return (int.from_bytes(digest, "little") % _ORDER).to_bytes(32, "little")


def _scalar(view_key: str) -> bytes:
    try:
        secret = bytes.fromhex(view_key)
    except ValueError:
        secret = b""
    if len(secret) != 32 or not 0 < int.from_bytes(secret, "little") < _ORDER:  # noqa: PLR2004  bytes of a scalar
        raise WrongKeyError("a view key is a scalar of 32 bytes in hex") from None
    return secret
