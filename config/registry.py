"""What a chain and an asset are to Usher: the registry's records. Reading chains.toml lives in `loader`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Family(StrEnum):
    """The code that speaks to a chain."""

    EVM = "evm"
    BITCOIN = "bitcoin"
    SOLANA = "solana"
    HIVE = "hive"
    MONERO = "monero"


class Network(StrEnum):
    """Money of the main networks and play money never share a deployment."""

    MAIN = "main"
    TEST = "test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """What is paid with. Two chains' USDC are two assets."""

    id: str  # CAIP-19, e.g. eip155:137/erc20:0x3c49…
    chain: str  # CAIP-2
    ticker: str  # display only
    decimals: int  # display only: amounts are integers of the smallest unit everywhere
    contract: str | None = None  # what the chain knows the token by (contract, mint, NAI); None for its native coin
    dust: int = 0  # smallest amount worth sending back, in the smallest unit

    @property
    def native(self) -> bool:
        """Whether this is the coin that the chain's fees are paid in."""
        return self.contract is None


@dataclass(frozen=True, kw_only=True, slots=True)
class MintStep:
    """Up to this value, this many confirmations are deep enough to mint (DESIGN §3)."""

    up_to: int | None  # inclusive, smallest unit; None: any value
    confirmations: int  # the block that holds the payment counts as the first


@dataclass(frozen=True, kw_only=True, slots=True)
class Finality:
    """Where a payment can no longer change."""

    tag: str | None  # the node's own word for it ("finalized"), None: depth alone decides
    blocks: int  # used where the tag is not to be had
    tag_only: bool = False  # depth never decides, nothing mints before the word; `blocks` says how long it takes


@dataclass(frozen=True, kw_only=True, slots=True)
class Explorer:
    """Where a person looks a transaction or an address up; `{}` stands for it."""

    transaction: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressPrefixes:
    """How a chain of the Bitcoin family spells its addresses, and what else its wallets begin with its name."""

    p2pkh: int  # version byte in base58check
    p2sh: int
    bech32: str  # human-readable part (BIP-173)
    link: str  # scheme of payment links (BIP-21)
    message: str  # hashed before a text that is signed (BIP-137)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """One network as the registry describes it, with the operator's changes applied."""

    id: str  # CAIP-2, e.g. eip155:1
    family: Family
    network: Network
    name: str
    block_time: timedelta
    native: Asset
    tokens: tuple[Asset, ...]
    mint_steps: Mapping[str, tuple[MintStep, ...]]  # by asset id, ascending `up_to`; "*": every other asset
    finality: Finality
    explorer: Explorer | None
    payment_methods: Mapping[str, str]  # spoken names ("eth", "usdc:polygon") -> asset id
    hold_cap: timedelta  # how long a pending payment may extend a hold
    prefixes: AddressPrefixes | None = None  # Bitcoin family: its own spelling of addresses, links and signed texts
    checked_headers: bool = True  # False: its headers have fields we cannot hash yet; links alone hold blocks together

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Every asset accepted on this chain, the native coin first."""
        return (self.native, *self.tokens)

    def asset(self, asset_id: str) -> Asset | None:
        """Return the asset with this CAIP-19 id, or None if this chain does not accept it."""
        return next((asset for asset in self.assets if asset.id == asset_id), None)

    def steps_for(self, asset_id: str) -> tuple[MintStep, ...]:
        """Return the mint steps that hold for an asset, in ascending order of value."""
        return self.mint_steps.get(asset_id) or self.mint_steps["*"]


class Registry:
    """All chains of this deployment, and the assets on them."""

    def __init__(self, chains: tuple[Chain, ...]) -> None:
        self.chains: Mapping[str, Chain] = {chain.id: chain for chain in chains}
        self._assets = {asset.id: asset for chain in chains for asset in chain.assets}
        self._methods = {asset_id.lower(): asset_id for asset_id in self._assets} | {
            name: asset_id for chain in chains for name, asset_id in chain.payment_methods.items()
        }

    @property
    def families(self) -> frozenset[Family]:
        """Every family that a chain here is of."""
        return frozenset(chain.family for chain in self.chains.values())

    def chain(self, chain_id: str) -> Chain | None:
        """Return the chain with this CAIP-2 id."""
        return self.chains.get(chain_id)

    def asset(self, asset_id: str) -> Asset | None:
        """Return the asset with this CAIP-19 id."""
        return self._assets.get(asset_id)

    def by_payment_method(self, name: str) -> Asset | None:
        """Return what a `payment_method` names: `eth`, `usdc:polygon` or a CAIP-19 id, in any case."""
        spoken = name.strip()
        return self._assets.get(spoken) or self._assets.get(self._methods.get(spoken.lower(), ""))
