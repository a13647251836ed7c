"""What Redis is asked for letters that follow each other, and which Redis the settings may name."""

from datetime import timedelta

import orjson
import pytest

from config.settings import SettingsError, load_settings
from gateway.neighbours.jobs import posting
from gateway.neighbours.mirror import Mirror
from gateway.presence.effects import Tell
from tests.support.gate_house import SETTINGS

EVENT = 7
KEY = f"usher:room:{EVENT}:aa"
CHANNEL = f"usher:room:{EVENT}"


def posts(*messages):
    mirror = Mirror(gate="aa", silence=timedelta(seconds=10))
    return [mirror.tell(Tell(event_id=EVENT, message=message)) for message in messages]


def joined(peer):
    return {"type": "joined", "peer": peer, "role": "attendee", "media": "m"}


def moved(peer, data):
    return {"type": "state", "peer": peer, "data": data}


def asked(*messages):
    return posting(posts(*messages), silence=timedelta(seconds=10))


def test_rosters_change_before_letters_are_sent_and_expire():
    commands = asked(joined("p"))
    assert [command[0] for command in commands] == ["HSET", "HSET", "PEXPIRE", "PUBLISH"]
    assert commands[1:3] == [("HSET", KEY, b"version", 1), ("PEXPIRE", KEY, 10_000)]


def test_of_many_moves_all_are_sent_and_the_last_is_stored():
    commands = asked(joined("p"), *(moved("p", step) for step in range(5)))
    stored = [orjson.loads(command[3]) for command in commands if command[:3] == ("HSET", KEY, "p")]
    assert [one["state"] for one in stored] == [4]
    sent = [orjson.loads(command[2])["message"] for command in commands if command[:2] == ("PUBLISH", CHANNEL)]
    assert sent == [joined("p"), *(moved("p", step) for step in range(5))]


def test_whoever_left_again_is_not_stored():
    commands = asked(joined("p"), moved("p", 1), {"type": "left", "peer": "p", "reason": "left"})
    assert [command for command in commands if "p" in command] == [("HDEL", KEY, "p")]
    assert ("HSET", KEY, b"version", 2) in commands


def test_chat_touches_no_roster():
    assert [command[0] for command in asked({"type": "chat", "peer": "p", "text": "hi"})] == ["PUBLISH"]


def settings(folder, more="", **environ):
    file = folder / "usher.toml"
    file.write_text(SETTINGS.format(gate="", limits="", joins=9, joins_per_wallet=9, more=more))
    return load_settings(file, {"HOME": str(folder), **environ})


def test_a_gate_is_alone_unless_it_is_told_of_a_redis(tmp_path):
    assert settings(tmp_path).redis is None


def test_the_url_of_redis_is_a_secret_and_may_be_a_credential(tmp_path):
    (tmp_path / "redis.url").write_text("rediss://:hunter2@redis.test:6380/1\n")
    read = settings(tmp_path, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert read.redis.url.get_secret_value() == "rediss://:hunter2@redis.test:6380/1"
    assert "hunter2" not in repr(read)


@pytest.mark.parametrize("url", ["redis.test:6379", "http://redis.test", "redis://", "unix://", "redis://host:port"])
def test_what_is_no_redis_is_refused(tmp_path, url):
    with pytest.raises(SettingsError, match="redis"):
        settings(tmp_path, f'[redis]\nurl = "{url}"')


def test_a_socket_file_is_a_redis_too(tmp_path):
    assert settings(tmp_path, '[redis]\nurl = "unix:///run/redis.sock"').redis is not None
