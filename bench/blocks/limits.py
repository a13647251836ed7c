"""What every contest over blocks shares: a watch of strangers, and the JSON parser alone."""

import orjson

from bench.contest import Work

UNIT = "transactions/s"
WATCHED = 1_000


def foreign(spelling: str) -> frozenset[str]:
    """Return addresses that nobody pays: what is measured is what every foreign block costs."""
    return frozenset(spelling.format(number) for number in range(10**30, 10**30 + WATCHED))


def parsed_alone(raw: bytes) -> Work:
    """Return what parses the JSON and does nothing with it."""
    return lambda: orjson.loads(raw)
