"""Compiles Solidity with the pinned npm compiler: wallets that tests deploy, and the validator that is shipped."""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.programs import NODE_MODULES, program

_COMPILE = "process.stdout.write(require('solc').compile(require('fs').readFileSync(0, 'utf8')))"


def compile_solidity(source: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the creation code of every contract in a source text, in hex without 0x."""
    question = {
        "language": "Solidity",
        "sources": {"source.sol": {"content": source}},
        "settings": {**settings, "outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }
    done = subprocess.run(
        [program("node", variable="NODE"), "-e", _COMPILE],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        env={"NODE_PATH": str(NODE_MODULES)},
    )
    answer = json.loads(done.stdout)
    errors = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    assert not errors, "\n".join(errors)
    return {name: contract["evm"]["bytecode"]["object"] for name, contract in answer["contracts"]["source.sol"].items()}


@cache
def safe_artifact(path: str) -> dict[str, Any]:
    """Return an artifact that the Safe project built, e.g. `proxies/SafeProxyFactory`: its `abi` and `bytecode`."""
    name = Path(path).name
    file = NODE_MODULES / "@safe-global/safe-contracts/build/artifacts/contracts" / f"{path}.sol" / f"{name}.json"
    artifact: dict[str, Any] = json.loads(file.read_text())
    return artifact
