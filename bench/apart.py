"""Peers that want other versions of what we have, or are no dependency of ours: each measured in a process of its own,
out of one virtual environment that is made for them and thrown away.
"""

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_LOOP = """
import itertools, json, sys, time
{script}
given = json.load(sys.stdin)
for one in given:
    assert work(*one)
turn, count, start = itertools.cycle(given), 0, time.process_time()
while (took := time.process_time() - start) < 2:
    work(*next(turn))
    count += 1
print(count / took)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """A peer that is not installed here."""

    packages: Sequence[str]
    script: str  # defines `work`, which returns something true where the signature is good
    inputs: Sequence[Sequence[str]]  # what `work` is called with, in turn


@dataclass(slots=True)
class Elsewhere:
    """The environment of such peers, made when the first of them is wanted."""

    folder: Path
    _there: dict[tuple[str, ...], bool] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def has(self, packages: Sequence[str]) -> bool:
        """Install packages unless they are there, and return whether they are."""
        wanted = tuple(packages)
        if wanted not in self._there:
            if not self.python.exists():
                venv.create(self.folder, with_pip=True)
            command = [self.python, "-m", "pip", "install", "--quiet", *wanted]
            self._there[wanted] = subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self._there[wanted]


@contextmanager
def installed() -> Iterator[Elsewhere]:
    """Lend an environment, still empty."""
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as folder:
        yield Elsewhere(folder=Path(folder) / "venv")


def measured(peer: Apart, elsewhere: Elsewhere) -> float | None:
    """Return how often per CPU second a peer verifies; None where it cannot be installed or does not work."""
    if not elsewhere.has(peer.packages):
        return None
    script, given = _LOOP.format(script=peer.script), json.dumps(peer.inputs)
    done = subprocess.run([elsewhere.python, "-c", script], input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    return float(done.stdout)
