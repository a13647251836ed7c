"""Reads vectors that others have published. They are not in this repository; `USHER_VECTORS` says where they are.

Where `EVERY_TEST` is set, as `.ci/run` sets it, a missing one fails its test; elsewhere it is skipped with a reason.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("USHER_VECTORS") or Path(__file__).parents[2].parent / "shared" / "vectors")


def vector_file(name: str) -> Path:
    """Return where a vector file is, or end the test saying which one is missing."""
    path = FOLDER / name
    if not path.exists():
        missing = pytest.fail if os.environ.get("EVERY_TEST") else pytest.skip
        missing(f"the vectors {name} are not here; set USHER_VECTORS to the folder that holds them")
    return path


def vectors(name: str) -> Any:
    """Return the contents of a JSON vector file, or end the test saying which one is missing."""
    return json.loads(vector_file(name).read_text("utf-8"))
