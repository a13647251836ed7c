"""The house rules that the import graph and the syntax trees can show."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FLOORS = {
    "config": 0, "store": 0,
    "memo": 1, "verifier": 1, "chains": 1,
    "tickets": 2,
    "payouts": 3,
    "monitor": 4, "gateway": 4,
    "usher": 5,
}  # fmt: skip
APART = {("monitor", "gateway"), ("gateway", "monitor"), ("config", "store")}
FAMILIES = {"evm", "bitcoin", "solana", "hive", "monero"}
DOORS = {
    "aiohttp",
    "asyncio",
    "httpx",
    "os",
    "requests",
    "socket",
    "sqlalchemy",
    "subprocess",
    "time",
    "urllib",
    "web3",
}
"""Modules through which the world comes in: a pure file imports none of them."""
SPELLING = {"urllib.parse", "urllib.parse.quote", "urllib.parse.unquote"}
"""These open no connection."""
PURE_ROOMS = ("chains", "memo", "verifier")
"""Rooms whose files are pure unless they are named below."""
SHELLS = (
    "chains/*/lookup.py",
    "chains/*/mempool.py",
    "chains/*/reader.py",
    "chains/*/source.py",
    "chains/*/transport.py",
    "chains/evm/audit.py",
    "chains/evm/finality.py",
    "chains/monero/wallet.py",
    "chains/solana/opinion.py",
    "chains/solana/sight.py",
    "chains/catalogue.py",
    "chains/failover.py",
    "chains/finality.py",
    "chains/following.py",
    "chains/opening.py",
    "chains/opinions.py",
    "chains/progress.py",
    "chains/reader.py",
    "chains/reading.py",
    "chains/rpc.py",
    "chains/schema.py",
    "chains/testing.py",
    "chains/wire.py",
)
"""Where chains are asked and their progress is kept."""
PORTS = (
    "chains/port.py",
    "verifier/port.py",
    "verifier/hive.py",
    "verifier/monero.py",
    "verifier/*/scheme.py",
    "verifier/verify.py",
)
"""Pure, though what they await is another's look-up."""
PURE = (
    "config/registry.py",
    "gateway/neighbours/letters.py",
    "gateway/neighbours/mirror.py",
    "gateway/gate/nonces.py",
    "gateway/http/codes.py",
    "gateway/presence/effects.py",
    "gateway/presence/hub.py",
    "gateway/presence/limits.py",
    "monitor/changes.py",
    "monitor/decide.py",
    "monitor/maturity.py",
    "payouts/bookings.py",
    "payouts/split.py",
)
"""Pure files in rooms of which most files are shells."""
CLOCK_READERS = {"config/clock.py"}
ENVIRONMENT_READERS = "config"
HAND_ON = {
    "store/group.py",  # a work's own error goes to the one who asked for the work
    "gateway/gate/groups.py",  # and so does that of a request within a group
    "gateway/http/middleware.py",  # the outermost door: logged, answered with 500 and nothing else
}
"""Where everything may be caught, because it is handed on."""


def sources() -> list[Path]:
    return sorted(path for room in FLOORS for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_go_down_only():
    upward = [
        f"{name(path)} imports {module}"
        for path in sources()
        for module in imports(path)
        if (other := module.split(".")[0]) in FLOORS and other != (room := path.relative_to(ROOT).parts[0])
        and (FLOORS[other] > FLOORS[room] or (room, other) in APART)
    ]  # fmt: skip
    assert upward == []


def test_no_family_imports_another_family():
    crossing = [
        f"{name(path)} imports {module}"
        for path in sources()
        if path.relative_to(ROOT).parts[0] == "chains" and (family := path.relative_to(ROOT).parts[1]) in FAMILIES
        for module in imports(path)
        if module.startswith("chains.") and (module.split(".")[1]) in FAMILIES - {family}
    ]
    assert crossing == []


def matching(patterns: Sequence[str]) -> set[Path]:
    for pattern in patterns:
        assert list(ROOT.glob(pattern)), f"{pattern} names no file any more"
    return {path for pattern in patterns for path in ROOT.glob(pattern)}


def pure() -> set[Path]:
    return {path for room in PURE_ROOMS for path in (ROOT / room).rglob("*.py")} - matching(SHELLS) | matching(PURE)


def module(path: Path) -> str:
    return name(path).removesuffix(".py").replace("/", ".")


def test_a_pure_file_imports_nothing_through_which_the_world_comes_in():
    assert [
        f"{name(path)} imports {imported}"
        for path in sorted(pure())
        for imported in imports(path)
        if imported.split(".")[0] in DOORS and imported not in SPELLING
    ] == []


def test_a_pure_file_imports_no_shell():
    shells = set(map(module, matching(SHELLS)))
    assert [
        f"{name(path)} imports {imported}"
        for path in sorted(pure())
        for imported in imports(path)
        if imported in shells
    ] == []


def test_a_pure_file_waits_for_nothing():
    assert [
        name(path)
        for path in sorted(pure() - matching(PORTS))
        if any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(ast.parse(path.read_text())))
    ] == []


def test_only_the_clock_reads_the_clock():
    readers = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute):
                continue
            owner = ast.unparse(node.value)
            if (node.attr in {"now", "utcnow", "today"} and owner.split(".")[-1] in {"datetime", "date"}) or (
                node.attr in {"time", "time_ns"} and owner == "time"
            ):
                readers.append(name(path))
    assert set(readers) <= CLOCK_READERS


def test_only_config_reads_the_environment():
    readers = {
        name(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and ast.unparse(node.value) == "os"
    }
    assert {reader for reader in readers if not reader.startswith(f"{ENVIRONMENT_READERS}/")} == set()


def test_nothing_catches_everything():
    catching = [
        f"{name(path)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and name(path) not in HAND_ON
    ]
    assert catching == []


def test_every_module_says_what_lives_here():
    silent = [
        name(path)
        for path in sources()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
