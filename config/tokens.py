"""How each family names its tokens: as the settings do, and by CAIP-19 namespace and reference. No chain here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.eip55 import require_checksum
from config.registry import Family

_MINT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_NAI = re.compile(r"@@([0-9]{9})")


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenName:
    """A token's name in all its forms."""

    contract: str  # as the chain's own answers name it
    namespace: str  # CAIP-19
    reference: str


def token_reference(family: Family, contract: str) -> TokenName:
    """Return what a token of the settings is called. Raises ValueError where the family knows no such token."""
    naming = _NAMINGS.get(family)
    if naming is None:
        raise ValueError(f"{family} has no tokens")
    return naming(contract)


def _erc20(contract: str) -> TokenName:
    lower = require_checksum(contract).lower()
    return TokenName(contract=lower, namespace="erc20", reference=lower)


def _spl(contract: str) -> TokenName:
    if _MINT.fullmatch(contract) is None:
        raise ValueError("is no token mint (32 bytes in base58)")
    return TokenName(contract=contract, namespace="token", reference=contract)


def _hive(contract: str) -> TokenName:
    nai = _NAI.fullmatch(contract)
    if nai is None:
        raise ValueError("is no asset of Hive (its NAI: @@ and nine digits)")
    return TokenName(contract=contract, namespace="nai", reference=nai[1])


_NAMINGS: Mapping[Family, Callable[[str], TokenName]] = {
    Family.EVM: _erc20,
    Family.SOLANA: _spl,
    Family.HIVE: _hive,
}
