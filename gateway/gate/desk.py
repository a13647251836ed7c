"""What the gate's doors share: grouped commits, the events asked for, the door list, and how a refusal is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from aiohttp import web
from sqlalchemy import Connection

from config.clock import Clock
from config.registry import Network, Registry
from gateway.deps import DEPS, Deps
from gateway.gate import audit
from gateway.gate.admission import Admitted, Applicant, admit
from gateway.gate.audit import Action, Stranger
from gateway.gate.book import EventBook
from gateway.gate.checks import TIMELY
from gateway.gate.groups import Group
from gateway.gate.kicks import DoorList
from gateway.gate.lookup import Nodes
from gateway.gate.spent import SpentHere
from gateway.http.client import client_of
from gateway.http.codes import Code
from gateway.http.problems import Problem

RETRY_SECONDS: Mapping[Code, int] = MappingProxyType(
    {Code.SIGNATURE_INCONCLUSIVE: 3, Code.GATE_BLIND: 2, Code.TOO_MANY_SOCKETS: 10}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One gate's standing equipment."""

    book: EventBook
    door_list: DoorList
    admissions: Group[Applicant, Admitted | Code]
    strangers: Group[Stranger, None]
    spent: SpentHere = field(default_factory=SpentHere)
    nodes: Nodes = field(default_factory=Nodes)

    @classmethod
    def of(cls, deps: Deps, door_list: DoorList) -> "Desk":
        """Return the desk of a gate with these dependencies."""
        return cls(
            book=EventBook(deps.store, deps.clock),
            door_list=door_list,
            admissions=Group(
                deps.store,
                _Admissions(network=deps.settings.network, registry=deps.registry, clock=deps.clock),
                apart=lambda applicant: applicant.who,  # a second proof of one holder meets what the first one did
            ),
            strangers=Group(deps.store, audit.count),
        )


DESK: web.AppKey[Desk] = web.AppKey("desk", Desk)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Admissions:
    """`admit` at the moment its transaction runs."""

    network: Network
    registry: Registry
    clock: Clock = field(repr=False)

    def __call__(self, conn: Connection, applicants: Sequence[Applicant]) -> Sequence[Admitted | Code]:
        return admit(conn, applicants, network=self.network, registry=self.registry, now=self.clock())


def told(code: Code, *, now: datetime) -> Problem:
    """Return a refusal as the client is told it."""
    return Problem(
        code=code,
        server_time=now if code in TIMELY else None,
        retry_after=RETRY_SECONDS.get(code),
    )


async def refuse(
    request: web.Request, code: Code, *, action: Action, now: datetime, event_id: int | None = None
) -> Problem:
    """Refuse somebody who proved nothing: counted per client, code and minute, in a commit like any other answer."""
    stranger = Stranger(at=now, action=action, refusal=code, client=client_of(request), event_id=event_id)
    await request.app[DESK].strangers.submit(stranger)
    request.app[DEPS].metrics.answer(action, code)
    return told(code, now=now)
