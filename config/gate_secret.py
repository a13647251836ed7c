"""The gate's own secret: it keys the hashes of clients and the MAC of challenges. Signing keys stand elsewhere."""

import os
import secrets
from pathlib import Path

FILE = "gate.secret"
BYTES = 32


class GateSecretError(Exception):
    """The gate's secret cannot be used."""


def create_gate_secret(directory: Path) -> Path:
    """Write a new secret for its owner's eyes only, unless there is one; return its file."""
    file = directory / FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_hex(BYTES) + "\n")
    return file


def load_gate_secret(directory: Path) -> bytes:
    """Return the secret. Raises GateSecretError, which says what to do."""
    file = directory / FILE
    try:
        mode, text = file.stat().st_mode, file.read_text("ascii")
        secret = bytes.fromhex(text)
    except FileNotFoundError:
        raise GateSecretError(f"{file} does not exist; `usher init` makes one") from None
    except OSError as error:
        raise GateSecretError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise GateSecretError(f"{file} is not {BYTES} bytes in hex; delete it and run `usher init`") from None
    if mode & 0o077:
        raise GateSecretError(f"{file} can be read by others: chmod 600 {file}")
    if len(secret) < BYTES:
        raise GateSecretError(f"{file} holds less than {BYTES} bytes; delete it and run `usher init`")
    return secret
