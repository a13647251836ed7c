"""What is ours on a Hive chain, as its blocks spell it: accounts, accepted assets by NAI, the memo key. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chains.hive import amounts
from chains.hive.memo import MemoKey
from chains.port import Watch
from config.registry import Chain


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """The watch and the accepted assets of one poll."""

    chain: str  # CAIP-2
    watch: Watch
    assets: Mapping[str, str]  # asset id by NAI
    memo_key: MemoKey | None  # None: encrypted memos stay as they are

    @classmethod
    def of(
        cls, watch: Watch, chain: Chain, under_way: Iterable[str] = (), *, memo_key: MemoKey | None = None
    ) -> "Ours":
        """Return the watch as it meets this chain. Assets `under_way` are read for, listed or not."""
        assets = {asset.id for asset in chain.assets}.union(under_way)
        return cls(
            chain=chain.id,
            watch=watch,
            assets={nai: asset for asset in assets if (nai := _nai(asset)) is not None},
            memo_key=memo_key,
        )


def _nai(asset: str) -> str | None:
    """Return the NAI of an asset's id (CAIP-19); the native coin is HIVE."""
    namespace, _, reference = asset.partition("/")[2].partition(":")
    return {"slip44": amounts.HIVE, "nai": f"@@{reference}"}.get(namespace)
