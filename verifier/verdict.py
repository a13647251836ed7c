"""What a signature check comes to. A bad signature is a value, never an exception."""

from dataclasses import dataclass, field

from chains.account import Account

KEY_SCHEMES = frozenset(
    {
        "eip191",
        "eip712",
        "bip137",
        "bip322-simple",
        "bip322-full",
        "ed25519",
        "solana-offchain",
        "solana-transaction",
        "hive",  # which keys an account has, a chain says; but there is one chain on which it has them
        "monero-v2",
        "monero-v1",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Valid:
    """The account signed this very message."""

    account: Account
    scheme: str  # one of KEY_SCHEMES, "erc1271" or "erc6492"
    signers: frozenset[bytes] = field(default=frozenset(), compare=False)
    """The keys that signed, where a chain must go on naming them: a Hive account may change its keys."""

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
