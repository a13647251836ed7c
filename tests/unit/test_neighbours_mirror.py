"""What one gate makes of another's letters and rosters, case by case. What holds in every case is in tests/property."""

from datetime import timedelta

import pytest

from gateway.neighbours.letters import Letter, Roster
from gateway.neighbours.mirror import WAITING, Load, Mirror, Overheard
from gateway.presence.effects import Tell

EVENT = 7
LOAD = Load(event_id=EVENT, gate="bb")


@pytest.fixture
def mirror():
    made = Mirror(gate="aa", silence=timedelta(seconds=10))
    made.open(EVENT)
    return made


def peer(name, state=None):
    return {"peer": name, "role": "attendee", "media": "m", "state": state}


def roster(version, *names):
    return Roster(version=version, peers={name: peer(name) for name in names})


def letter(version, kind=None, name="p", **more):
    fields = {"from": name} if kind == "signal" else {"peer": name}
    to = more.pop("to", None)
    message = None if kind is None else {"type": kind, **fields, **more}
    return Letter(gate="bb", event_id=EVENT, version=version, message=message, to=to)


def told(news):
    """What visitors hear, as kind and peer."""
    heard = [one.message for one in news if isinstance(one, Overheard)]
    return [(message["type"], message.get("peer", message.get("from"))) for message in heard]


def here(mirror):
    return [one["peer"] for one in mirror.others(EVENT)]


def test_a_first_letter_needs_no_roster(mirror, now):
    assert told(mirror.hear(letter(1, "joined"), now=now)) == [("joined", "p")]
    assert here(mirror) == ["p"]


def test_a_letter_after_a_lost_one_waits_for_the_roster(mirror, now):
    mirror.hear(letter(1, "joined"), now=now)
    assert mirror.hear(letter(3, "joined", "r"), now=now) == [LOAD]
    assert mirror.hear(letter(4, "left", "p"), now=now) == []
    assert told(mirror.loaded(EVENT, "bb", roster(3, "p", "q", "r"))) == [
        ("joined", "q"),
        ("joined", "r"),
        ("left", "p"),
    ]
    assert here(mirror) == ["q", "r"]


def test_a_letter_that_the_roster_had_already_is_not_told_twice(mirror, now):
    mirror.hear(letter(2, "joined", "q"), now=now)
    assert told(mirror.loaded(EVENT, "bb", roster(3, "p"))) == [("joined", "p")]
    assert mirror.hear(letter(3, "left", "q"), now=now) == []


def test_what_still_does_not_follow_after_the_roster_waits_for_a_beat(mirror, now):
    mirror.hear(letter(2, "joined", "q"), now=now)
    mirror.hear(letter(9, "joined", "r"), now=now)
    assert told(mirror.loaded(EVENT, "bb", roster(2, "p", "q"))) == [("joined", "p"), ("joined", "q")]
    assert mirror.hear(letter(9), now=now) == [LOAD]


def test_a_roster_older_than_what_was_heard_changes_nothing(mirror, now):
    mirror.hear(letter(1, "joined", "p"), now=now)
    mirror.hear(letter(2, "joined", "q"), now=now)
    mirror.found(EVENT, ["bb"], now=now)
    assert mirror.loaded(EVENT, "bb", roster(1, "p")) == []
    assert here(mirror) == ["p", "q"]


def test_a_roster_that_is_gone_loses_no_later_letter(mirror, now):
    mirror.hear(letter(5, "chat"), now=now)
    assert mirror.loaded(EVENT, "bb", None) == []
    assert mirror.hear(letter(5), now=now) == [LOAD]


def test_nobody_unknown_leaves_and_nobody_known_joins(mirror, now):
    assert told(mirror.hear(letter(1, "left"), now=now)) == []
    mirror.hear(letter(2, "joined"), now=now)
    assert told(mirror.hear(letter(3, "joined"), now=now)) == []
    for kind in ("chat", "state", "signal"):
        assert mirror.hear(letter(3, kind, "stranger", data=1, to="a1"), now=now) == []


def test_a_state_that_changed_unheard_is_told_from_the_roster(mirror, now):
    mirror.hear(letter(1, "joined"), now=now)
    mirror.hear(letter(2), now=now)
    news = mirror.loaded(EVENT, "bb", Roster(version=2, peers={"p": peer("p", state="waving")}))
    assert news == [Overheard(event_id=EVENT, message={"type": "state", "peer": "p", "data": "waving"})]


def test_a_silent_gate_takes_its_visitors_along(mirror, now):
    mirror.hear(letter(1, "joined"), now=now)
    assert mirror.tick(now=now + timedelta(seconds=9)) == []
    mirror.hear(letter(1), now=now + timedelta(seconds=9))
    assert mirror.tick(now=now + timedelta(seconds=18)) == []
    (gone,) = mirror.tick(now=now + timedelta(seconds=19))
    assert gone.message == {"type": "left", "peer": "p", "reason": "gate_lost"}
    assert here(mirror) == []


def test_letters_that_wait_are_bounded(mirror, now):
    mirror.hear(letter(2, "joined"), now=now)
    for _ in range(2 * WAITING):
        mirror.hear(letter(2, "chat", text="hi"), now=now)
    assert len(mirror._neighbours[EVENT]["bb"].waiting) == WAITING


def test_our_own_letters_and_those_of_rooms_that_nobody_is_in_say_nothing(mirror, now):
    post = mirror.tell(Tell(event_id=EVENT, message={"type": "joined", **peer("a1")}))
    assert mirror.hear(post.letter, now=now) == []
    elsewhere = Letter(gate="bb", event_id=8, version=1, message={"type": "joined", **peer("p")})
    assert mirror.hear(elsewhere, now=now) == []


def test_a_room_that_was_closed_goes_on_with_its_versions(mirror):
    """Else neighbours, who remember the higher one, would take its next visitors for known."""
    before = mirror.tell(Tell(event_id=EVENT, message={"type": "joined", **peer("a1")})).letter.version
    mirror.tell(Tell(event_id=EVENT, message={"type": "left", "peer": "a1"}))
    assert mirror.empty() == {EVENT}
    mirror.close(EVENT)
    assert mirror.events == ()
    again = mirror.tell(Tell(event_id=EVENT, message={"type": "joined", **peer("a2")}))
    assert again.letter.version == before + 2


def test_a_signal_goes_to_the_gate_that_has_its_peer_and_else_nowhere(mirror, now):
    mirror.hear(letter(1, "joined"), now=now)
    signal = {"type": "signal", "from": "a1", "data": 1}
    assert mirror.tell(Tell(event_id=EVENT, message=signal, to="p")).gate == "bb"
    assert mirror.tell(Tell(event_id=EVENT, message=signal, to="q")) is None
