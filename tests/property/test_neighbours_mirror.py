"""Whatever happens at two gates, and whatever is lost between them: what a gate's visitors were told is always exactly
what its mirror shows, nobody is heard of who was not introduced, and once a beat was answered both know the same."""

from collections import deque
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.neighbours.letters import Letter, Roster, read_letter, read_roster, write_introduction, write_letter
from gateway.neighbours.mirror import Load, Mirror, Overheard
from gateway.presence.effects import Tell

EVENT = 7
SILENCE = timedelta(seconds=10)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
GATES = st.sampled_from(["aa", "bb"])
PEERS = st.integers(1, 3)
DATA = st.one_of(st.none(), st.integers(0, 3))


class Redis:
    """What Redis does for a roster: fields that are put and dropped, in the bytes they have there."""

    def __init__(self):
        self.rosters = {}

    def write(self, gate, roster):
        peers = {peer.encode(): write_introduction(one) for peer, one in roster.peers.items()}
        self.rosters[gate] = {b"version": str(roster.version).encode(), **peers}

    def post(self, post):
        fields = self.rosters.setdefault(post.letter.gate, {})
        if post.put is not None:
            fields[post.put["peer"].encode()] = write_introduction(post.put)
        if post.drop is not None:
            fields.pop(post.drop.encode(), None)
        if post.put is not None or post.drop is not None:
            fields[b"version"] = str(post.letter.version).encode()

    def read(self, gate):
        return read_roster(self.rosters.get(gate, {}))


class Visitors:
    """What the visitors of a gate know from what they were told."""

    def __init__(self):
        self.known = {}

    def told(self, heard):
        match heard.message:
            case {"type": "joined", "peer": peer}:
                assert peer not in self.known
                self.known[peer] = None
            case {"type": "left", "peer": peer}:
                del self.known[peer]
            case {"type": "state", "peer": peer, "data": data}:
                assert peer in self.known
                self.known[peer] = data
            case {"type": "chat", "peer": peer}:
                assert peer in self.known
            case {"type": "signal", "from": peer}:
                assert peer in self.known
                assert heard.to is not None


class TwoGates(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = START
        self.redis = Redis()
        self.mirrors = {gate: Mirror(gate=gate, silence=SILENCE) for gate in ("aa", "bb")}
        self.visitors = {gate: Visitors() for gate in self.mirrors}
        self.under_way = {gate: deque() for gate in self.mirrors}  # letters that a gate has yet to hear
        self.asked = {gate: deque() for gate in self.mirrors}
        for mirror in self.mirrors.values():
            mirror.open(EVENT)

    def here(self, gate):
        return self.mirrors[gate]._own[EVENT].peers

    def publish(self, letter, *, to=None):
        for gate, letters in self.under_way.items():
            if to in (None, gate):
                letters.append(read_letter(write_letter(letter)))

    def follow(self, gate, news):
        for one in news:
            match one:
                case Overheard():
                    self.visitors[gate].told(one)
                case Load():
                    self.asked[gate].append(one)

    def tell(self, gate, message, *, to=None):
        post = self.mirrors[gate].tell(Tell(event_id=EVENT, message=message, to=to))
        if post is not None:
            self.redis.post(post)
            self.publish(post.letter, to=post.gate)

    @rule(gate=GATES, number=PEERS)
    def come_or_go(self, gate, number):
        peer = f"{gate}{number}"
        if peer in self.here(gate):
            self.tell(gate, {"type": "left", "peer": peer, "reason": "left"})
        else:
            self.tell(gate, {"type": "joined", "peer": peer, "role": "attendee", "media": "m"})

    @rule(gate=GATES, number=PEERS, data=DATA)
    def move(self, gate, number, data):
        if f"{gate}{number}" in self.here(gate):
            self.tell(gate, {"type": "state", "peer": f"{gate}{number}", "data": data})

    @rule(gate=GATES, number=PEERS, other=PEERS)
    def talk(self, gate, number, other):
        if f"{gate}{number}" in self.here(gate):
            self.tell(gate, {"type": "chat", "peer": f"{gate}{number}", "text": "hi"})
            there = "bb" if gate == "aa" else "aa"
            self.tell(gate, {"type": "signal", "from": f"{gate}{number}", "data": 1}, to=f"{there}{other}")

    @rule(gate=GATES, count=st.integers(1, 5))
    def hear(self, gate, count):
        for _ in range(min(count, len(self.under_way[gate]))):
            self.follow(gate, self.mirrors[gate].hear(self.under_way[gate].popleft(), now=self.now))

    @rule(gate=GATES, count=st.integers(1, 3))
    def lose(self, gate, count):
        for _ in range(min(count, len(self.under_way[gate]))):
            self.under_way[gate].popleft()

    @precondition(lambda self: any(self.asked.values()))
    @rule(gate=GATES)
    def load(self, gate):
        if self.asked[gate]:
            asked = self.asked[gate].popleft()
            self.follow(gate, self.mirrors[gate].loaded(EVENT, asked.gate, self.redis.read(asked.gate)))

    @rule(gate=GATES)
    def break_the_line(self, gate):
        self.under_way[gate].clear()
        self.asked[gate].clear()
        self.mirrors[gate].interrupted()
        self.follow(gate, self.mirrors[gate].found(EVENT, list(self.redis.rosters), now=self.now))

    @rule(gate=GATES)
    def evict(self, gate):
        self.redis.rosters.pop(gate, None)

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)
        for gate, mirror in self.mirrors.items():
            self.follow(gate, mirror.tick(now=self.now))

    @rule()
    def settle(self):
        """A beat of each gate is heard, and what it makes them ask for is answered."""
        for gate, mirror in self.mirrors.items():
            self.redis.write(gate, mirror.renew(EVENT))
            self.publish(mirror.beat(EVENT))
        for gate in self.mirrors:
            while self.under_way[gate] or self.asked[gate]:
                self.load(gate)
                self.hear(gate, 1)
        for gate, other in (("aa", "bb"), ("bb", "aa")):
            assert {one["peer"]: one for one in self.mirrors[gate].others(EVENT)} == self.here(other)

    @invariant()
    def visitors_know_what_the_mirror_shows(self):
        for gate, mirror in self.mirrors.items():
            assert {one["peer"]: one["state"] for one in mirror.others(EVENT)} == self.visitors[gate].known


TwoGates.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestTwoGates = TwoGates.TestCase


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_of_another_raise(text):
    assert read_letter(text) is None or isinstance(read_letter(text), Letter)
    assert read_roster({b"version": text, text: text}) is None


WIDE = st.integers(-(2**63), 2**64 - 1)  # the integers that are read from a visitor's text; all others become floats
JSON = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.lists(WIDE, max_size=2)
PEER = st.sampled_from(["p", "q", "p", "q", 3, [], None])
MESSAGE = st.fixed_dictionaries(
    {"type": st.sampled_from(["joined", "left", "joined", "left", "state", "chat", "signal", "welcome"])},
    optional={"peer": PEER, "from": PEER, "data": JSON, "role": JSON},
)
ROSTER = st.lists(st.sampled_from(["p", "q"])).map(lambda peers: {one: {"peer": one} for one in peers})


@given(
    letters=st.lists(st.tuples(st.sampled_from([-1, 0, 1, 1, 1, 2]), MESSAGE | st.none()), max_size=20),
    rosters=st.lists(st.tuples(st.integers(-1, 2), ROSTER), min_size=20, max_size=20),
)
def test_no_letter_and_no_roster_raises_or_tells_of_anybody_unknown(letters, rosters):
    mirror, visitors, version = Mirror(gate="aa", silence=SILENCE), Visitors(), 0
    mirror.open(EVENT)
    for (step, message), (ahead, peers) in zip(letters, rosters, strict=False):
        version = max(0, version + step)
        letter = Letter(gate="bb", event_id=EVENT, version=version, message=message)
        assert read_letter(write_letter(letter)) == letter
        news = deque(mirror.hear(letter, now=START))
        while news:
            match news.popleft():
                case Load(gate=gate):
                    news.extend(mirror.loaded(EVENT, gate, Roster(version=version + ahead, peers=peers)))
                case Overheard() as heard:
                    visitors.told(heard)
        assert {one["peer"]: one.get("state") for one in mirror.others(EVENT)} == visitors.known
