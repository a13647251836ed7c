"""The addresses of a deployment's settings, read by the families that know them: where money goes, what orders get."""

from functools import partial

from chains.account import NotAnAccount
from chains.accounts import account_of
from chains.catalogue import derivation
from config.gate_secret import load_gate_secret
from config.registry import Chain
from config.settings import Settings
from tickets.addresses import Derive


class AddressSettingError(Exception):
    """An address or key in the settings is none of its chain's."""

    def __init__(self, chain: Chain, key: str, reason: str) -> None:
        super().__init__(f'chains."{chain.id}".{key}: {reason}')


def receive_of(settings: Settings, chain: Chain) -> str:
    """Return where a chain's money arrives, in the chain's own spelling. Raises AddressSettingError."""
    account = account_of(settings.chains[chain.id].receive, network=settings.network, chain=chain)
    if isinstance(account, NotAnAccount):
        raise AddressSettingError(chain, "receive", account.reason)
    if account.chain != chain.id:
        raise AddressSettingError(chain, "receive", f"is an address of another chain than {chain.name}")
    return account.address


def deriving(settings: Settings, chain: Chain) -> Derive | None:
    """Return what gives a chain's orders keys of their own, None where they have none. Raises AddressSettingError."""
    secret = partial(load_gate_secret, settings.keys.directory)
    try:
        return derivation(chain, settings.chains[chain.id], secret)
    except ValueError as error:  # the families' own, which never repeat a key
        key = "wallet.view_key" if settings.chains[chain.id].wallet else "xpub"
        raise AddressSettingError(chain, key, str(error)) from None
