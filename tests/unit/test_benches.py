"""Every bench can be imported: nothing else runs them between two measurements."""

import importlib

import pytest

from tests.support.programs import ROOT

BENCHES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "bench").rglob("*.py")
    if path.name not in {"__init__.py", "__main__.py"}
)


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_knows_what_it_measures(name):
    assert importlib.import_module(name).__doc__
