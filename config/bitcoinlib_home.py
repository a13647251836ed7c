"""Where bitcoinlib may write: it makes a folder and a log as soon as it is imported, by itself under HOME."""

import os
from pathlib import Path

import platformdirs

from config.paths import NAME

VARIABLE = "BCL_DATA_DIR"


def prepare() -> None:
    """Name a folder of ours to bitcoinlib, unless one is named already. To be called before its first import.

    systemd's CacheDirectory= or else StateDirectory=, where a unit has one; else the user's cache (XDG).
    """
    if os.environ.get(VARIABLE):
        return
    of_unit = os.environ.get("CACHE_DIRECTORY") or os.environ.get("STATE_DIRECTORY") or ""
    first = of_unit.partition(":")[0]  # several are joined by colons, the first is ours
    folder = Path(first) if first else platformdirs.user_cache_path(NAME)
    os.environ[VARIABLE] = str(folder / "bitcoinlib")
