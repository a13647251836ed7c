"""Where the rooms are put together, and nowhere else: settings in, watchers, chores and applications out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from chains.catalogue import open_source
from chains.evm.lookup import open_lookup
from chains.hive.lookup import open_hive_lookup
from chains.port import ChainSource
from chains.rpc import Spoken
from config.clock import Clock, utc_now
from config.gate_secret import load_gate_secret
from config.registry import Chain, Registry
from config.settings import Settings
from gateway.deps import Deps
from gateway.operations.metrics import MetricsHub
from monitor.hooks import Hooks
from monitor.housekeeping import Housekeeping
from monitor.sitting import Terms
from monitor.watcher import Watcher
from store.engine import Store
from tickets import addresses
from tickets.addresses import Derive
from tickets.keys import KeyKind, Keyring
from usher.addresses import deriving, receive_of
from verifier.port import Lookups


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """What every process of a deployment shares."""

    settings: Settings
    registry: Registry
    store: Store
    keyring: Keyring
    metrics: MetricsHub
    clock: Clock = utc_now

    @classmethod
    def of(cls, settings: Settings, store: Store) -> "House":
        """Load keys and registry for a deployment."""
        keyring = Keyring.load(settings.keys.directory, issuer=settings.gate.public_url)
        return cls(settings=settings, registry=settings.registry(), store=store, keyring=keyring, metrics=MetricsHub())


@asynccontextmanager
async def watchers(house: House, hooks: Hooks) -> AsyncIterator[tuple[Watcher, ...]]:
    """Give a watcher for every chain; their connections are closed at the end."""
    async with AsyncExitStack() as stack:
        made = []
        for chain in house.registry.chains.values():
            source = source_of(house, chain)
            stack.push_async_callback(source.aclose)
            made.append(_watcher(house, chain, source, hooks))
        yield tuple(made)


def source_of(house: House, chain: Chain) -> ChainSource:
    """Return a chain's source, its failed calls counted."""
    return open_source(chain, house.settings.chains[chain.id], observer=partial(_count, house.metrics))


def housekeeping(house: House) -> Housekeeping:
    """Return the chores of this deployment."""
    return Housekeeping(
        store=house.store,
        terms=[_terms(house, chain) for chain in house.registry.chains.values()],
        derive=derivations(house.settings),
        address_ranges={chain: settings.address_range for chain, settings in house.settings.chains.items()},
        clock=house.clock,
    )


def derivations(settings: Settings) -> dict[str, Derive]:
    """Return, by chain, what derives its orders' own keys, where the settings say that they have some."""
    made = {chain.id: deriving(settings, chain) for chain in settings.registry().chains.values()}
    return {chain: derive for chain, derive in made.items() if derive is not None}


@asynccontextmanager
async def gate(house: House) -> AsyncIterator[Deps]:
    """Give what the gate's handlers work with; the look-ups' connections are closed at the end."""
    await house.store.transact(lambda conn: _watch_before_showing(conn, house))
    observer = partial(_count, house.metrics)
    contracts = open_lookup(house.settings.chains, observer=observer)
    authorities = open_hive_lookup(house.settings.chains, observer=observer, clock=house.clock)
    try:
        yield Deps(
            settings=house.settings,
            registry=house.registry,
            store=house.store,
            clock=house.clock,
            keyring=house.keyring,
            lookup=Lookups(contracts=contracts, authorities=authorities),
            secret=load_gate_secret(house.settings.keys.directory),
            metrics=house.metrics,
        )
    finally:
        await contracts.aclose()
        await authorities.aclose()


def _watch_before_showing(conn: Connection, house: House) -> None:
    """Have the platform's addresses watched by a watcher that still runs with other settings, too."""
    for chain in house.registry.chains.values():
        addresses.receive_at(conn, chain.id, (receive_of(house.settings, chain),))


def _watcher(house: House, chain: Chain, source: ChainSource, hooks: Hooks) -> Watcher:
    settings = house.settings.chains[chain.id]
    return Watcher(
        source=source,
        store=house.store,
        terms=_terms(house, chain),
        receive=(receive_of(house.settings, chain),),
        start_height=settings.start_height,
        clock=house.clock,
        hooks=hooks,
    )


def _terms(house: House, chain: Chain) -> Terms:
    return Terms(
        chain=chain,
        network=house.settings.network,
        signer=house.keyring.signer(KeyKind.TICKET),
        grace=timedelta(minutes=house.settings.orders.grace_minutes),
        families=house.registry.families,
    )


def _count(metrics: MetricsHub, spoken: Spoken) -> None:
    if spoken.trouble is not None:
        metrics.rpc_error(spoken.chain, spoken.trouble)
