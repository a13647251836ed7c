"""Whatever connections do, in any order: everybody seated knows exactly the others in the room, a signal reaches one
peer of the same event, a closed connection hears nothing more, and nobody is in two rooms."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.presence.effects import Arrived, Close, Left, Seat, Send
from gateway.presence.hub import Hub
from gateway.presence.limits import Limits
from gateway.presence.messages import Chat, Closing, Heartbeat, Malformed, Signal, State

LIMITS = Limits(
    sockets=8,
    sockets_per_ticket=2,
    strangers_per_client=3,
    messages_per_second=5,
    signals_per_second=15,
    bytes_per_second=1_000,
    bytes_at_once=2_000,
    authenticate_within=timedelta(seconds=5),
    silence=timedelta(seconds=45),
    renew_every=timedelta(seconds=150),
)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENTS = st.sampled_from([1, 2])
PEOPLE = st.sampled_from(["ann", "bob", "eve"])


@dataclass
class Client:
    """What one client knows from what it was told."""

    event: int
    peer: str | None = None
    knows: set[str] = field(default_factory=set)
    closed: bool = False
    session: str | None = None


def network_of(number):
    """Whose connection this is: there are two clients."""
    return f"client {number % 2}"


class HubMachine(RuleBasedStateMachine):
    """A hub and what its clients come to know."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(limits=LIMITS)
        self.now = START
        self.clients: dict[int, Client] = {}
        self.here: dict[str, int] = {}
        self.numbers = 0

    def apply(self, effects):
        for effect in effects:
            match effect:
                case Send(to=connections, message=message):
                    for connection in connections:
                        self.told(self.clients[connection], message)
                case Close(connection=connection):
                    assert not self.clients[connection].closed
                    self.clients[connection].closed = True
                case Arrived(seat=seat):
                    self.here[seat.session_id] = self.here.get(seat.session_id, 0) + 1
                case Left(seat=seat):
                    self.here[seat.session_id] -= 1

    def told(self, client, message):
        assert not client.closed, "a closed connection hears nothing more"
        match message:
            case {"type": "welcome", "peer": peer, "peers": peers}:
                client.peer = peer
                client.knows = {other["peer"] for other in peers}
            case {"type": "joined", "peer": peer}:
                assert peer not in client.knows
                client.knows.add(peer)
            case {"type": "left", "peer": peer}:
                client.knows.remove(peer)
            case {"type": "signal" | "state", **rest}:
                assert rest.get("from", rest.get("peer")) in client.knows

    def open_ones(self):
        return [number for number, client in self.clients.items() if not client.closed]

    @rule(event=EVENTS)
    def open(self, event):
        self.numbers += 1
        client = network_of(self.numbers)
        strangers = [one for one in self.open_ones() if network_of(one) == client and self.clients[one].peer is None]
        full = len(self.open_ones()) == LIMITS.sockets or len(strangers) == LIMITS.strangers_per_client
        assert self.hub.open(self.numbers, client=client, event_id=event, now=self.now) is not full
        if not full:
            self.clients[self.numbers] = Client(event=event)

    @precondition(lambda self: self.open_ones())
    @rule(data=st.data(), who=PEOPLE, event=EVENTS, generation=st.integers(1, 3))
    def seat(self, data, who, event, generation):
        number = data.draw(st.sampled_from(self.open_ones()))
        client = self.clients[number]
        if client.peer is not None:
            return
        seat = Seat(
            session_id=f"{who}-{event}-{generation}",
            event_id=event,
            holder=who,
            ticket_id=f"{who}-{event}",
            role="attendee",
            generation=generation,
            until=START + timedelta(hours=1),
            media="m",
        )
        client.session = seat.session_id
        self.apply(self.hub.seat(number, seat, peer=f"peer-{number}", welcome={}, now=self.now))

    @precondition(lambda self: self.open_ones())
    @rule(
        data=st.data(),
        said=st.one_of(
            st.builds(Chat, text=st.just("hi")),
            st.builds(State, data=st.integers()),
            st.just(Heartbeat()),
            st.builds(Malformed, reason=st.just("x")),
            st.builds(Signal, to=st.integers(1, 30).map("peer-{}".format), data=st.none()),
        ),
    )
    def say(self, data, said):
        number = data.draw(st.sampled_from(self.open_ones()))
        effects = self.hub.hear(number, said, now=self.now)
        if isinstance(said, Signal):
            reached = [c for e in effects if isinstance(e, Send) and e.message["type"] == "signal" for c in e.to]
            assert len(reached) <= 1
            assert all(self.clients[one].event == self.clients[number].event and one != number for one in reached)
        self.apply(effects)

    @precondition(lambda self: self.open_ones())
    @rule(data=st.data())
    def go(self, data):
        number = data.draw(st.sampled_from(self.open_ones()))
        self.clients[number].closed = True
        self.apply(self.hub.gone(number))
        assert self.hub.gone(number) == []

    @rule(who=PEOPLE)
    def kick(self, who):
        self.apply(self.hub.kick(lambda seat: seat.holder == who, closing=Closing.KICKED, reason="banned"))
        assert all(seat.holder != who for seat in self.hub.seats())

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.apply(self.hub.tick(now=self.now))

    @invariant()
    def everybody_knows_exactly_the_others(self):
        seated = {n: c for n, c in self.clients.items() if not c.closed and c.peer is not None}
        for number, client in seated.items():
            others = {c.peer for n, c in seated.items() if n != number and c.event == client.event}
            assert client.knows == others

    @invariant()
    def the_hub_remembers_the_open_ones_alone(self):
        assert len(self.hub) == len(self.open_ones())

    @invariant()
    def arrivals_and_departures_balance(self):
        seated = {seat.session_id for seat in self.hub.seats()}
        assert {session for session, count in self.here.items() if count} == seated
        assert set(self.here.values()) <= {0, 1}

    @invariant()
    def no_ticket_has_more_sockets_than_it_may(self):
        tickets = [seat.ticket_id for seat in self.hub.seats()]
        assert all(tickets.count(ticket) <= LIMITS.sockets_per_ticket for ticket in tickets)


HubMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestHub = HubMachine.TestCase
