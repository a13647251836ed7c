"""What is ours on Solana: wallets, references that name orders, accepted mints, and what holds them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from chains.port import Watch
from chains.solana.programs import TOKENS
from chains.solana.reference import is_reference, is_wallet
from config.registry import Chain


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """The watch and the token list of one poll."""

    chain: str  # CAIP-2
    native: str  # asset id
    wallets: frozenset[str]
    watch: Watch  # in which references are looked up: there may be thousands
    tokens: Mapping[str, str]  # asset id by mint

    @classmethod
    def of(cls, watch: Watch, chain: Chain, under_way: Iterable[str] = ()) -> "Ours":
        """Return the watch as it meets this chain. Assets `under_way` are read for, listed or not."""
        assets = {token.id for token in chain.tokens}.union(under_way)
        return cls(
            chain=chain.id,
            native=chain.native.id,
            wallets=frozenset(address for address in (*watch.active, *watch.retired) if _is_wallet(address)),
            watch=watch,
            tokens={mint: asset for asset in sorted(assets) if (mint := _mint(asset))},
        )

    def references(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return the watched references among a transaction's keys, in their order."""
        return tuple(key for key in keys if key in self.watch and is_reference(key))

    def holder(self, account: str, owner: str | None, mint: str) -> str | None:
        """Return which of our wallets a token account belongs to.

        Nodes before 1.9 did not tell owners; then only the account that is derived from the wallet is known.
        """
        if owner is not None:
            return owner if owner in self.wallets else None
        return next((wallet for wallet in self.wallets if account in associated(wallet, mint)), None)


_is_wallet = lru_cache(maxsize=None)(is_wallet)
"""The whole watch is looked through with each poll, and is in memory as it is; a memory with a bound would forget all
of a watch that is larger by one reference."""


@lru_cache(maxsize=2**10)
def associated(wallet: str, mint: str) -> tuple[str, ...]:
    """Return the token accounts derived from a wallet for a mint, whichever token program the mint is of."""
    return tuple(token_account(wallet, mint, program) for program in sorted(TOKENS))


def token_account(wallet: str, mint: str, program: str) -> str:
    """Return the associated token account of a wallet. It may not exist yet."""
    keys = (Pubkey.from_string(text) for text in (wallet, mint, program))
    return str(get_associated_token_address(*keys))


def _mint(asset: str) -> str | None:
    """Return the mint in a token's id (CAIP-19, namespace token); None for the native asset."""
    namespace, _, reference = asset.partition("/")[2].partition(":")
    return reference if namespace == "token" else None


def pairs(ours: Ours) -> Iterator[tuple[str, str]]:
    """Yield each wallet with each accepted mint, in a steady order."""
    for wallet in sorted(ours.wallets):
        for mint in sorted(ours.tokens):
            yield wallet, mint
