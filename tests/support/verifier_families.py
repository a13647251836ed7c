"""A verifier that lacks families, as any would in which one is not built yet."""

from types import MappingProxyType

import pytest

from config.registry import Family
from verifier import verify


def leave_only(monkeypatch: pytest.MonkeyPatch, *families: Family) -> None:
    """Let accounts of these families alone prove themselves until the end of the test."""
    kept = {family: scheme for family, scheme in verify._SCHEMES.items() if family in families}
    monkeypatch.setattr(verify, "_SCHEMES", MappingProxyType(kept))
