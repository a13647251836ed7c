"""Contests of one core: ours and its peers take turns on the same inputs, and each one's CPU time is counted."""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median

from bench.apart import Apart, installed, measured
from bench.report import Result, against, progress, report

Work = Callable[[], object]

SLICES, SLICE = 15, 0.05
"""Turns of this many CPU seconds each, so that a busy neighbour or a warm core favours none."""
PER_LOOK = 16
"""Calls between two looks at the clock, where they are quick."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """What ours is held against: the bare primitive, or what others would use."""

    name: str
    work: Work | Apart
    aim: str = ""  # for the ratio of ours to it, e.g. ">= 0.6"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """One thing that is done in several ways."""

    name: str
    ours: Work
    peers: Sequence[Peer]
    unit: str
    per_call: int = 1  # units that one call is worth


Contests = Callable[[], Iterator[Contest]]
"""Makes the contests of one family, whose inputs take their time to make."""


def each(work: Callable[..., object], inputs: Sequence[tuple[object, ...]]) -> Work:
    """Return what works on the next input at every call: on one alone it would be remembered, as at no door.

    Raises whatever the work raises on any of them.
    """
    for one in inputs:
        work(*one)
    turn = cycle(inputs)
    return lambda: work(*next(turn))


def hold_families(families: Mapping[str, Contests], *, about: str | None) -> None:
    """Measure what the command line asks for, all families by default, and print it."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--families", nargs="+", choices=families, default=[*families])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report(held(contest for family in options.families for contest in families[family]()), as_json=options.json)


def held(contests: Iterable[Contest]) -> list[Result]:
    """Measure contest by contest."""
    results: list[Result] = []
    with installed() as elsewhere:
        for contest in contests:
            progress(contest.name)
            near = [peer for peer in contest.peers if not isinstance(peer.work, Apart)]
            ours, *theirs = rates(contest.ours, *(peer.work for peer in near))
            figures = dict(zip((peer.name for peer in near), theirs, strict=True))
            for peer in contest.peers:
                figure = measured(peer.work, elsewhere) if isinstance(peer.work, Apart) else figures[peer.name]
                if figure is None:
                    print(f"{contest.name}: {peer.name} left out, it was not to be had apart", file=sys.stderr)
                    continue
                results.append(_against(contest, peer, ours, figure))
    progress("")
    return results


def rates(*contestants: Work) -> list[float]:
    """Return how often per CPU second each runs: the median of its turns."""
    steps = [_step(contestant) for contestant in contestants]
    turns: list[list[float]] = [[] for _ in contestants]
    gc.collect()
    gc.freeze()  # what stands there already is nobody's to look through
    for _ in range(SLICES):
        for turn, contestant, step in zip(turns, contestants, steps, strict=True):
            count, begin = 0, time.process_time()
            while (took := time.process_time() - begin) < SLICE:
                for _ in range(step):
                    contestant()
                count += step
            turn.append(count / took)
    gc.unfreeze()
    return [median(turn) for turn in turns]


def _step(contestant: Work) -> int:
    contestant()
    begin = time.process_time()
    contestant()
    return PER_LOOK if time.process_time() - begin < SLICE / PER_LOOK / 4 else 1


def _against(contest: Contest, peer: Peer, ours: float, theirs: float) -> Result:
    worth = contest.per_call
    return against(contest.name, ours * worth, contest.unit, peer=peer.name, peer_value=theirs * worth, aim=peer.aim)
