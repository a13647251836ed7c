"""From an address as people write it to the account and holder it names. Which families there are, and nothing else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chains import base58
from chains.account import CAIP10, Account, HolderKey, NotAnAccount
from chains.bitcoin import address as bitcoin
from chains.evm import address as evm
from chains.hive import address as hive
from chains.monero import address as monero
from chains.solana import address as solana
from config.registry import Chain, Family, Network


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spelling:
    """How one family writes its accounts."""

    namespace: str  # of its CAIP-2 ids
    canonical: Callable[[str, Network], bytes | None]
    display: Callable[[bytes], str]
    home: Mapping[Network, str]  # CAIP-2 of the chain that an address without one is taken to be on
    rule: str  # said to whoever wrote it wrong
    spelt_at: Callable[[str, Network], str | None] = lambda _address, _network: None  # the home that its spelling tells


_SPELLINGS = {
    Family.EVM: _Spelling(
        namespace="eip155",
        canonical=evm.canonical,
        display=evm.display,
        home={Network.MAIN: "eip155:1", Network.TEST: "eip155:11155111"},
        rule="an EVM address is 0x and 40 hex digits; in mixed case they must carry the EIP-55 checksum",
    ),
    Family.BITCOIN: _Spelling(
        namespace="bip122",
        canonical=bitcoin.canonical,
        display=bitcoin.display,
        home={
            Network.MAIN: "bip122:000000000019d6689c085ae165831e93",
            Network.TEST: "bip122:00000000da84f2bafbbc53dee25a72ae",
        },
        rule="an address of Bitcoin's family is P2PKH, P2SH, P2WPKH, P2WSH or P2TR of this network, its checksum right",
        spelt_at=bitcoin.home,
    ),
    Family.SOLANA: _Spelling(
        namespace="solana",
        canonical=solana.canonical,
        display=solana.display,
        home={
            Network.MAIN: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            Network.TEST: "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        },
        rule="a Solana wallet is 32 bytes in base58, a point on the curve",
    ),
    Family.HIVE: _Spelling(
        namespace="hive",
        canonical=hive.canonical,
        display=hive.display,
        home={
            Network.MAIN: "hive:beeab0de000000000000000000000000",
            Network.TEST: "hive:42000000000000000000000000000000",
        },
        rule="a Hive name has 3 to 16 characters in segments of at least three, each starting with a letter",
    ),
    Family.MONERO: _Spelling(
        namespace="monero",
        canonical=monero.canonical,
        display=monero.display,
        home={
            Network.MAIN: "monero:418015bb9ae982a1975da7d79277c270",
            Network.TEST: "monero:76ee3cc98646292206cd3e86f74d88b4",
        },
        rule="a Monero address has 95 characters, this network's prefix and a correct checksum; never integrated",
    ),
}
_FAMILIES = {spelling.namespace: family for family, spelling in _SPELLINGS.items()}

_BECH32 = re.compile(rf"(?:{'|'.join(sorted(bitcoin.BECH32_PREFIXES))})1", re.IGNORECASE)
_MONERO_LENGTHS = (95, 106)  # an integrated address is recognised, so that it can be refused for what it is


def account_of(address: str, *, network: Network, chain: Chain | None = None) -> Account | NotAnAccount:
    """Return the account that an address names: on `chain` where it can be there, else at its home."""
    family = family_of(address)
    if family is None:
        return NotAnAccount(reason="this text is no address of any family")
    there = chain is not None and can_be_on(address, family, chain)
    return _account(address, family, network, chain.id if chain and there else home_of(family, network, address))


def can_be_on(address: str, family: Family, chain: Chain) -> bool:
    """Whether an address of a family can be one on a chain: chains of Bitcoin's family spell theirs each in its way."""
    return chain.family is family and (chain.prefixes is None or bitcoin.is_spelt(address, chain.prefixes))


def home_of(family: Family, network: Network, address: str = "") -> str:
    """Return the CAIP-2 id of the chain that an address is taken to be on; where none is given, its family's first."""
    spelling = _SPELLINGS[family]
    return spelling.spelt_at(address, network) or spelling.home[network]


def parse_caip10(text: str, network: Network) -> Account | NotAnAccount:
    """Return the account that a CAIP-10 id names; which chains there are is for the registry to say."""
    match = CAIP10.fullmatch(text)
    if match is None:
        return NotAnAccount(reason="this is no CAIP-10 account id (<namespace>:<chain>:<address>)")
    family = _FAMILIES.get(match["chain"].partition(":")[0])
    if family is None:
        return NotAnAccount(reason="no family has this CAIP-2 namespace")
    if family is Family.BITCOIN and not bitcoin.is_spelt_on(match["address"], match["chain"]):
        return NotAnAccount(reason="this address is of another chain than the one beside it")
    return _account(match["address"], family, network, match["chain"])


def family_at(chain_id: str) -> Family | None:
    """Return the family of a chain by its CAIP-2 id alone, whether or not it is sold on."""
    return _FAMILIES.get(chain_id.partition(":")[0])


def holder_of(address: str, network: Network) -> HolderKey | NotAnAccount:
    """Return whom an address stands for, whatever chain it is used on."""
    account = account_of(address, network=network)
    return account if isinstance(account, NotAnAccount) else account.holder


def family_of(address: str) -> Family | None:
    """Return the only family this text can belong to; whether it is right is another question.

    No text has two readings: `0x` is EVM; what starts with `@` or has at most 16 characters can only be a Hive name,
    for every other family's addresses are longer; a known bech32 prefix is Bitcoin, unless the case is mixed, which
    bech32's never is; and base58 is told by what it decodes to: 95 or 106 characters are Monero, 25 bytes are Bitcoin,
    32 bytes are Solana.
    """
    if address[:2] in ("0x", "0X"):
        return Family.EVM
    if address.startswith("@") or 0 < len(address) <= hive.LONGEST:
        return Family.HIVE
    if _BECH32.match(address) and address in (address.lower(), address.upper()):
        return Family.BITCOIN
    if len(address) in _MONERO_LENGTHS:
        return Family.MONERO
    return {25: Family.BITCOIN, 32: Family.SOLANA}.get(len(base58.decode(address) or b""))


def _account(address: str, family: Family, network: Network, chain: str) -> Account | NotAnAccount:
    spelling = _SPELLINGS[family]
    canonical = spelling.canonical(address, network)
    if canonical is None:
        return NotAnAccount(reason=spelling.rule)
    holder = HolderKey(family=family, network=network, canonical=canonical)
    return Account(chain=chain, address=spelling.display(canonical), holder=holder)
