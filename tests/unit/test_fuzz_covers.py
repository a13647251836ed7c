"""Every function that reads what strangers write is bent by a fuzz test, itself or through the door that it stands
behind, and every fuzz test opens with its invariant in words.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.unit.test_house import ROOT, imports, name, pure

FUZZ = sorted((ROOT / "tests" / "property").glob("*.py"))
REFUSALS = {"Distrusted", "Malformed", "NotOurs", "NotAnAccount", "Unusable", "Verdict", "Objection", "Contradiction"}
"""What a reader returns where it says no; else it returns None."""
STRANGERS = {"str", "bytes", "Any", "Given"}
ACCOUNT, VERDICT = "chains.accounts.account_of", "verifier.verify.verify"
BEHIND = {
    ACCOUNT: (
        "chains.accounts.family_at", "chains.accounts.family_of", "chains.accounts.holder_of",
        "chains.bitcoin.address.canonical", "chains.bitcoin.address.canonical_on", "chains.bitcoin.address.home",
        "chains.evm.address.canonical", "chains.hive.address.canonical", "chains.solana.address.canonical",
    ),
    VERDICT: (
        "verifier.bitcoin.bip137.kind_of", "verifier.bitcoin.bip137.recover", "verifier.bitcoin.bip137.verify",
        "verifier.bitcoin.bip322.full", "verifier.bitcoin.bip322.simple", "verifier.bitcoin.scheme.verify",
        "verifier.bitcoin.script.pushes", "verifier.bitcoin.spend.nested_program", "verifier.bitcoin.spend.objection",
        "verifier.evm.eip191.recover", "verifier.evm.scheme.verify",
        "verifier.hive.verify", "verifier.monero.verify", "verifier.solana.scheme.verify",
        "verifier.texts.layouts.claimed", "verifier.texts.signin.objection", "chains.bitcoin.spellings.spelling_of",
    ),
    "chains.base58.decode": ("chains.base58.to_int",),
    "chains.bitcoin.block.check_block": ("chains.bitcoin.block.check_header",),
    "chains.bitcoin.bolt11.read": ("chains.bitcoin.bech32.decode_words",),
    "chains.bitcoin.uri.parse": ("chains.percent.decode",),
    "chains.evm.parse.payments_in": ("chains.evm.ours.address_in",),
    "chains.hive.parse.check_block": ("chains.hive.operations.opened",),
    "chains.solana.transaction.read": ("chains.solana.instructions.of_call", "chains.solana.instructions.of_parsed"),
    "verifier.bitcoin.machine.run": ("verifier.bitcoin.script.instructions",),
}  # fmt: skip
"""By the door that fuzz tests go through: the readers that no fuzz test calls by name."""


def module(path: Path) -> str:
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def readers() -> Iterator[str]:
    """Yield the public functions of pure files that take a text, bytes or JSON and may say no."""
    for path in sorted(pure()):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            told = {part.strip() for part in ast.unparse(node.returns or ast.Constant(0)).split("|")}
            taken = {ast.unparse(one.annotation) for one in node.args.args if one.annotation}
            if told & (REFUSALS | {"None"}) and told != {"None"} and taken & STRANGERS:
                yield f"{module(path)}.{node.name}"


def used(path: Path) -> Iterator[str]:
    """Yield the full names of what a file uses of other modules."""
    tree = ast.parse(path.read_text())
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in known:
            yield known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            yield f"{known[node.value.id]}.{node.attr}"


@cache
def leads_to(start: str) -> frozenset[str]:
    """Return the modules of ours that a module imports, whether itself or through others."""
    found, open_ = {start}, [start]
    while open_:
        path = ROOT / open_.pop().replace(".", "/")
        file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        fresh = set(imports(file)) - found if file.is_file() else set()
        found |= fresh
        open_ += fresh
    return frozenset(found)


BENT = {one for path in FUZZ for one in used(path)}
READERS = [*readers()]


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_is_bent(reader):
    door = next((door for door, behind in BEHIND.items() if reader in behind), reader)
    assert door in BENT, f"no file in tests/property bends {door}"
    assert reader.rpartition(".")[0] in leads_to(door.rpartition(".")[0]), f"{door} does not lead to {reader}"


def test_the_list_of_doors_names_readers_that_are_there_and_need_one():
    behind = [reader for readers_ in BEHIND.values() for reader in readers_]
    assert sorted(set(behind) - set(READERS)) == []
    assert [reader for reader in behind if reader in BENT] == []


def test_readers_of_every_family_and_of_memos_and_signatures_are_found():
    rooms = {reader.rsplit(".", 2)[0] for reader in READERS}
    assert {f"chains.{family}" for family in ("bitcoin", "evm", "hive", "monero", "solana")} <= rooms
    assert {"memo", "verifier", "verifier.bitcoin", "verifier.evm", "verifier.texts"} <= rooms


@pytest.mark.parametrize("path", FUZZ, ids=lambda path: path.stem)
def test_a_fuzz_test_opens_with_its_invariant(path):
    tree = ast.parse(path.read_text())
    opening = (ast.get_docstring(tree) or "").split()
    asked = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert len(opening) >= 8 or all(map(ast.get_docstring, asked))
