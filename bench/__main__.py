"""`make bench`: runs every benchmark in a process of its own, prints one table, and keeps the figures as JSON.

Names on the command line choose some: `make bench ARGS="verify join"`.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

from bench.report import Result, print_table
from config.clock import utc_now

HERE = Path(__file__).parent
RESULTS = HERE / "results"
BENCHMARKS = ("verify", "parse_blocks", "catch_up", "settle", "mint", "join", "memory")


def main() -> int:
    """Run the benchmarks and return 1 if one did not run; a missed aim is a figure, not a failure."""
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")] or BENCHMARKS
    results: list[Result] = []
    failed = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}", "--json"], stdout=subprocess.PIPE, cwd=HERE.parent, check=False
        )
        if done.returncode:
            failed.append(name)
            continue
        results += [Result(**row) for row in json.loads(done.stdout)]
    print_table(results)
    _keep(results)
    for name in failed:
        print(f"{name}: did not run", file=sys.stderr)
    return 1 if failed else 0


def _keep(results: list[Result]) -> None:
    RESULTS.mkdir(exist_ok=True)
    now = utc_now()
    about = {
        "at": now.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    rows = [{field: getattr(result, field) for field in Result.__dataclass_fields__} for result in results]
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps({**about, "results": rows}, indent=2))
    print(f"\nkept as {path.relative_to(HERE.parent)}")


if __name__ == "__main__":
    sys.exit(main())
