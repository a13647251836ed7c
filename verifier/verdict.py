"""What a signature check comes to. A bad signature is a value, never an exception."""

from dataclasses import dataclass

from chains.account import Account


@dataclass(frozen=True, kw_only=True, slots=True)
class Valid:
    """The account signed this very message."""

    account: Account
    scheme: str  # "eip191", "erc1271", "erc6492", …


@dataclass(frozen=True, kw_only=True, slots=True)
class Invalid:
    """The account did not sign this message."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Inconclusive:
    """It could not be found out: neither let in nor accused. Trying again later may help."""

    reason: str


Verdict = Valid | Invalid | Inconclusive
