"""What a signature check comes to. A bad signature is a value, never an exception."""

from dataclasses import dataclass

from chains.account import Account

KEY_SCHEMES = frozenset({"eip191"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Valid:
    """The account signed this very message."""

    account: Account
    scheme: str  # "eip191", "erc1271", "erc6492", …

    @property
    def by_key(self) -> bool:
        """Whether a key signed, which is one holder's on every chain; a contract speaks on `account.chain` alone."""
        return self.scheme in KEY_SCHEMES


@dataclass(frozen=True, kw_only=True, slots=True)
class Invalid:
    """The account did not sign this message."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Inconclusive:
    """It could not be found out: neither let in nor accused."""

    reason: str
    passing: bool = True  # trying again later may help


Verdict = Valid | Invalid | Inconclusive
