"""Compiles tests/data/evm/contracts.sol with the pinned compiler and OpenZeppelin, once per change of either."""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path

from tests.support.programs import NODE_MODULES, program

SOURCE = Path(__file__).parents[1] / "data" / "evm" / "contracts.sol"
_COMPILE = """
const fs = require("fs"), path = require("path"), modules = process.argv[1];
const find = name => ({ contents: fs.readFileSync(path.join(modules, name), "utf8") });
const input = fs.readFileSync(0, "utf8");
process.stdout.write(require(path.join(modules, "solc")).compile(input, { import: find }));
"""


@cache
def bytecode(contract: str) -> str:
    """Return the creation code of a contract, with 0x."""
    return "0x" + _artifact()[contract]


@cache
def _artifact() -> dict[str, str]:
    source = SOURCE.read_text()
    pinned = (NODE_MODULES / "solc" / "package.json").read_bytes() + source.encode()
    kept = NODE_MODULES.parent / f"contracts-{hashlib.sha256(pinned).hexdigest()[:16]}.json"
    if not kept.exists():
        kept.write_text(json.dumps(_compiled(source)))
    artifact: dict[str, str] = json.loads(kept.read_text())
    return artifact


def _compiled(source: str) -> dict[str, str]:
    question = {
        "language": "Solidity",
        "sources": {SOURCE.name: {"content": source}},
        "settings": {
            "optimizer": {"enabled": True},
            "evmVersion": "paris",
            "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
        },
    }
    node = program("node", variable="NODE")
    done = subprocess.run(
        [node, "-e", _COMPILE, str(NODE_MODULES)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    errors = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    assert not errors, "\n".join(errors)
    return {name: built["evm"]["bytecode"]["object"] for name, built in answer["contracts"][SOURCE.name].items()}
