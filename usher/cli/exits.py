"""How a command ends: its exit status, and the errors an operator is told about without a traceback."""

from enum import IntEnum

from chains.errors import ChainError, TransientError
from config.faults import SettingsError
from config.gate_secret import GateSecretError
from store.errors import StoreError, StoreOutdatedError, StoreUnavailableError
from tickets.key_files import KeyFileError
from usher.addresses import AddressSettingError


class Exit(IntEnum):
    """Exit statuses of every command."""

    OK = 0
    FAILED = 1  # a check failed, or what was asked for was refused
    USAGE = 2  # the command line is wrong
    CONFIGURATION = 3  # the settings or the database's revision are wrong
    TEMPORARY = 4  # a node or the database does not answer: try again later


class CommandError(Exception):
    """A command cannot do what it was asked to; the message says what to do next."""

    def __init__(self, message: str, status: Exit = Exit.FAILED) -> None:
        self.status = status
        super().__init__(message)


_STATUS: tuple[tuple[type[Exception], Exit], ...] = (
    (SettingsError, Exit.CONFIGURATION),
    (GateSecretError, Exit.CONFIGURATION),
    (AddressSettingError, Exit.CONFIGURATION),
    (KeyFileError, Exit.CONFIGURATION),
    (StoreOutdatedError, Exit.CONFIGURATION),
    (StoreUnavailableError, Exit.TEMPORARY),
    (TransientError, Exit.TEMPORARY),
    (StoreError, Exit.FAILED),
    (ChainError, Exit.FAILED),
)
EXPECTED: tuple[type[Exception], ...] = (CommandError, *(kind for kind, _ in _STATUS))
"""Errors that are told in one line. Anything else is a bug and shows its traceback."""


def status_of(error: Exception) -> Exit:
    """Return the exit status of an expected error."""
    if isinstance(error, CommandError):
        return error.status
    return next(status for kind, status in _STATUS if isinstance(error, kind))
