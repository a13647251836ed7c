"""Reads vectors that others have published. They are not in this repository; `USHER_VECTORS` says where they are."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("USHER_VECTORS") or Path(__file__).parents[2].parent / "shared" / "vectors")


def vector_file(name: str) -> Path:
    """Return where a vector file is, or skip the test saying which one is missing."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the vectors {name} are not here; set USHER_VECTORS to the folder that holds them")
    return path


def vectors(name: str) -> Any:
    """Return the contents of a JSON vector file, or skip the test saying which one is missing."""
    return json.loads(vector_file(name).read_text("utf-8"))
