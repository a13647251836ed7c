"""The chains that the story can be played on, one file each. An import brings only what the one chain needs."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

import aiohttp

from usher.demo.ground import Ground

# ruff: noqa: PLC0415  each chain's libraries are imported when it is played on


class Open(Protocol):
    """Runs a chain's node in a folder."""

    def __call__(self, folder: Path, http: aiohttp.ClientSession) -> AbstractAsyncContextManager[Ground]:
        """Return the running ground."""


def _ethereum(anvil: Path | None) -> Open:
    from usher.demo.grounds import evm

    return partial(evm.opened, coin=evm.ETHEREUM, anvil=anvil)


def _polygon(anvil: Path | None) -> Open:
    from usher.demo.grounds import evm

    return partial(evm.opened, coin=evm.POLYGON, anvil=anvil)


def _bnb(anvil: Path | None) -> Open:
    from usher.demo.grounds import evm

    return partial(evm.opened, coin=evm.BNB, anvil=anvil)


def _bitcoin(_anvil: Path | None) -> Open:
    from usher.demo.grounds import bitcoin

    return bitcoin.opened


def _solana(_anvil: Path | None) -> Open:
    from usher.demo.grounds import solana

    return solana.opened


def _hive(_anvil: Path | None) -> Open:
    from usher.demo.grounds import hive

    return hive.opened


def _monero(_anvil: Path | None) -> Open:
    from usher.demo.grounds import monero

    return monero.opened


GROUNDS: dict[str, Callable[[Path | None], Open]] = {
    "ethereum": _ethereum,
    "polygon": _polygon,
    "bnb": _bnb,
    "bitcoin": _bitcoin,
    "solana": _solana,
    "hive": _hive,
    "monero": _monero,
}
"""By name."""


def usual() -> str:
    """Return the chain of a demo that names none: Ethereum where its node is there, else what Python alone runs."""
    from usher.demo.grounds import evm

    return "ethereum" if evm.found() else "solana"
