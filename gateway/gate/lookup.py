"""Which contract is asked at the door: that of an account with business here, on the one chain its ticket names."""

from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from chains.account import Account
from chains.accounts import parse_caip10
from config.registry import Network, Registry
from gateway.gate import standing
from gateway.gate.checks import Role, Standing
from gateway.gate.home import at_home
from store.engine import Store
from verifier.port import Lookup
from verifier.verdict import Invalid, Verdict

EVM = "eip155:"


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorLookup:
    """A Lookup for one event's door (DESIGN section 7.4). It costs a stranger's bad signature no call to any node."""

    inner: Lookup
    store: Store
    network: Network
    registry: Registry
    event_id: int

    async def contract_signature(self, account: Account, digest: bytes, signature: bytes) -> Verdict:
        """Ask on the chain the ticket was paid on. Whoever deploys a wallet at that address elsewhere is not asked."""
        who = (self.event_id, str(account.holder))
        stands = await self.store.read(partial(_read, who, self.network))
        chain = self._chain_of(account, stands)
        if chain is None:
            return Invalid(reason="another key made this signature, and no ticket says that a contract should be asked")
        return await self.inner.contract_signature(replace(account, chain=chain), digest, signature)

    def _chain_of(self, account: Account, stands: Standing) -> str | None:
        if stands.role is Role.HOST:
            creator = parse_caip10(stands.event.creator, self.network)
            return creator.chain if isinstance(creator, Account) else None
        if stands.ticket is None:
            return None
        paid_on = stands.ticket.paid_on or ""
        return paid_on if paid_on.startswith(EVM) else at_home(account, self.registry).chain


def _read(who: standing.Who, network: Network, conn: Connection) -> Standing:
    return standing.read(conn, [who], network=network)[who]
