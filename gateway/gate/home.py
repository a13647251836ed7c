"""On which chain a wallet is taken to be that named none: this deployment's own, never one it does not follow. Pure."""

from dataclasses import replace

from chains.account import Account, NotAnAccount
from chains.accounts import account_of, can_be_on, home_of, parse_caip10
from config.registry import Network, Registry


def account_given(text: str, *, network: Network, registry: Registry) -> Account | NotAnAccount:
    """Return the account that a request names: a CAIP-10 account as it stands, an address at its home here."""
    if ":" in text:
        return parse_caip10(text, network)
    account = account_of(text, network=network)
    return account if isinstance(account, NotAnAccount) else at_home(account, registry)


def at_home(account: Account, registry: Registry) -> Account:
    """Return the account on its family's own chain (`eip155:1`), else on the first of the family that is sold on here.

    It is the same holder on any of them. A family that is not sold here at all keeps its own. In Bitcoin's family the
    address says which chains those are: a Litecoin wallet signs in other words than a Bitcoin wallet.
    """
    address, holder = account.address, account.holder
    here = [chain.id for chain in registry.chains.values() if can_be_on(address, holder.family, chain)]
    usual = home_of(holder.family, holder.network, address)
    return replace(account, chain=usual if usual in here or not here else here[0])
