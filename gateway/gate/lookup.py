"""Which contracts are asked at the door: those of an account with business here, on the chains its tickets name."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from chains.account import Account
from config.registry import Network, Registry
from gateway.gate import proofs, standing, vouching
from gateway.gate.checks import Standing
from store.engine import Store
from verifier.port import Lookup
from verifier.verdict import Inconclusive, Invalid, Verdict

TROUBLE = timedelta(seconds=30)
"""How long one failure of a node makes every signature that was not accepted inconclusive."""


class Nodes:
    """Whether a node failed at this door lately. Then a refusal says the same, whether or not anybody was asked."""

    def __init__(self) -> None:
        self._until: datetime | None = None

    def told(self, verdict: Verdict, *, now: datetime) -> Verdict:
        """Return what may be told of a look-up, or of there having been none, without telling which it was."""
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
        who = (self.event_id, str(account.holder))
        stands, spent = await self.store.read(partial(_read, who, self.proof, self.network))
        chains = vouching.chains_to_ask(stands, account, registry=self.registry, network=self.network)
        if spent or not chains:
            nobody = Invalid(reason="another key made this signature, and nothing here says whom else to ask")
            return self.nodes.told(nobody, now=self.now)
        verdicts = await asyncio.gather(
            *(self.inner.contract_signature(replace(account, chain=chain), digest, signature) for chain in chains)
        )
        return self.nodes.told(vouching.foremost(verdicts, account), now=self.now)


def _read(who: standing.Who, proof: bytes, network: Network, conn: Connection) -> tuple[Standing, bool]:
    return standing.read(conn, [who], network=network)[who], bool(proofs.already_spent(conn, [proof]))
