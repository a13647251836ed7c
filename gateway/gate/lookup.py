"""Which accounts are asked about at the door: those with business here, on the chains that decide for them."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from chains.account import Account
from config.registry import Network, Registry
from gateway.gate import proofs, standing, vouching
from gateway.gate.checks import Role, Standing
from gateway.gate.home import at_home
from store.engine import Store
from verifier.port import KeyAuthorities, Lookup
from verifier.verdict import Inconclusive, Invalid, Valid, Verdict

TROUBLE = timedelta(seconds=30)
"""How long one failure of a node makes every signature that was not accepted inconclusive."""
NOBODY = Invalid(reason="another key made this signature, and nothing here says whom else to ask")


class Nodes:
    """Whether a node failed at this door lately. Then a refusal says the same, whether or not anybody was asked."""

    def __init__(self) -> None:
        self._until: datetime | None = None

    def told(self, verdict: Verdict, *, now: datetime) -> Verdict:
        """Return what may be told of a look-up, or of there having been none, without telling which it was."""
        return verdict if isinstance(verdict, Valid) else self.denied(verdict, now=now)

    def denied(self, verdict: Invalid | Inconclusive, *, now: datetime) -> Invalid | Inconclusive:
        """Return how somebody is to be sent away."""
        if isinstance(verdict, Inconclusive):
            if not verdict.passing:  # whoever signs can bring it about at will, and only where a contract is asked
                verdict = Invalid(reason=verdict.reason)
            else:
                self._until = now + TROUBLE
        if isinstance(verdict, Invalid) and self._until is not None and now < self._until:
            return Inconclusive(reason="the nodes do not all answer at the moment")
        return verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorLookup:
    """A Lookup for one proof at one event's door (DESIGN section 7.4). A stranger's bad signature costs no node a call.

    Nor does a text that was spent before.
    """

    inner: Lookup
    nodes: Nodes
    store: Store
    network: Network
    registry: Registry
    event_id: int
    proof: bytes  # digest
    now: datetime

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:
        """Ask on the chain of each ticket at once. Whoever deploys a wallet at that address elsewhere is not asked."""
        stands, spent = await self._standing(account)
        chains = vouching.chains_to_ask(stands, account, registry=self.registry, network=self.network)
        if spent or not chains:
            return self.nodes.told(NOBODY, now=self.now)
        verdicts = await asyncio.gather(
            *(self.inner.contract_signature(replace(account, chain=chain), digest, signature) for chain in chains)
        )
        return self.nodes.told(vouching.foremost(verdicts, account), now=self.now)

    async def key_authorities(self, account: Account) -> KeyAuthorities | Invalid | Inconclusive:
        """Ask on the family's own chain here, whichever one the account was named on."""
        stands, spent = await self._standing(account)
        if spent or not (stands.tickets or stands.role is Role.HOST):
            return self.nodes.denied(NOBODY, now=self.now)
        found = await self.inner.key_authorities(at_home(account, self.registry))
        if not isinstance(found, KeyAuthorities):
            return self.nodes.denied(found, now=self.now)
        otherwise = self.nodes.denied(NOBODY, now=self.now)
        return replace(found, doubt=otherwise) if isinstance(otherwise, Inconclusive) else found

    async def _standing(self, account: Account) -> tuple[Standing, bool]:
        """Return how the holder stands at this event, and whether the proof was spent."""
        who = (self.event_id, str(account.holder))
        return await self.store.read(partial(_read, who, self.proof, self.network))


def _read(who: standing.Who, proof: bytes, network: Network, conn: Connection) -> tuple[Standing, bool]:
    return standing.read(conn, [who], network=network)[who], bool(proofs.already_spent(conn, [proof]))
