"""What is ours on an EVM chain, as blocks and logs spell it: addresses, accepted tokens, bloom bits. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from chains.evm.header import bloom_mask
from chains.port import Watch
from config.registry import Asset, Chain

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Keccak of `Transfer(address,address,uint256)`, the first topic of ERC-20's event (EIP-20)."""
_PADDING = "0x" + "0" * 24
_WORD = 2 + 2 * 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """The watch and the token list of one poll, by the lower-case hex that nodes answer with."""

    chain: str  # CAIP-2
    native: Asset
    addresses: Mapping[str, str]  # lower case -> EIP-55
    receivers: frozenset[str]  # the same in both spellings that nodes use
    active: frozenset[str]  # lower case, without the retired ones
    tokens: Mapping[str, str]  # asset id by contract, lower case

    @classmethod
    def of(cls, watch: Watch, chain: Chain, under_way: Iterable[str] = ()) -> "Ours":
        """Return the watch as it meets this chain. Assets `under_way` are read for, listed or not."""
        addresses = {address.lower(): address for address in watch.active | watch.retired}
        assets = {token.id for token in chain.tokens}.union(under_way)
        return cls(
            chain=chain.id,
            native=chain.native,
            addresses=addresses,
            receivers=frozenset(addresses).union(addresses.values()),
            active=frozenset(address.lower() for address in watch.active),
            tokens={contract: asset for asset in assets if (contract := _contract(asset))},
        )

    @property
    def everyone(self) -> frozenset[str]:
        """All addresses, the retired ones too."""
        return frozenset(self.addresses)

    def admitted(self, bloom: int, addresses: Iterable[str]) -> frozenset[str]:
        """Return the addresses to which a block with this bloom may hold a transfer of an accepted token."""
        if not any(bloom & mask == mask for mask in map(_transfer_mask, self.tokens)):
            return frozenset()
        return frozenset(address for address in addresses if bloom & (mask := topic_mask(address)) == mask)


def _contract(asset: str) -> str | None:
    """Return the contract in a token's id (CAIP-19, namespace erc20), lower case; None for the native asset."""
    namespace, _, reference = asset.partition("/")[2].partition(":")
    return reference.lower() if namespace == "erc20" else None


def topic_of(address: str) -> str:
    """Return an address as an indexed argument: 32 bytes, padded on the left (Solidity ABI)."""
    return _PADDING + address[2:]


def address_in(topic: str) -> str | None:
    """Return the lower-case address that a topic holds; None where it holds something else."""
    return f"0x{topic[26:]}".lower() if len(topic) == _WORD and topic.startswith(_PADDING) else None


@lru_cache(maxsize=2**17)
def topic_mask(address: str) -> int:
    """Return the bloom bits of an address as a topic."""
    return bloom_mask(bytes.fromhex(topic_of(address)[2:]))


@lru_cache(maxsize=256)
def _transfer_mask(contract: str) -> int:
    """Return the bloom bits of any transfer of a token."""
    return bloom_mask(bytes.fromhex(contract[2:]), bytes.fromhex(TRANSFER[2:]))
