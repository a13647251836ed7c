"""What the chain knows after a block: accounts, and what is promised for later."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from chains.hive.amounts import HBD, HIVE, VESTS, Amount


class Refused(Exception):  # noqa: N818  what hived says, not a fault here
    """hived would refuse this, in these words."""

    def __init__(self, message: str, kind: str = "Assert Exception") -> None:
        self.kind = kind
        super().__init__(message)


@dataclass(frozen=True)
class Authority:
    """Who may act for an account, and how much of them it takes."""

    weight_threshold: int
    account_auths: tuple[tuple[str, int], ...]
    key_auths: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            weight_threshold=int(raw["weight_threshold"]),
            account_auths=tuple(sorted((name, int(weight)) for name, weight in raw["account_auths"])),
            key_auths=tuple(sorted((key, int(weight)) for key, weight in raw["key_auths"])),
        )

    @classmethod
    def single(cls, key: str) -> Self:
        return cls(weight_threshold=1, account_auths=(), key_auths=((key, 1),))

    def as_json(self) -> dict[str, Any]:
        return {
            "weight_threshold": self.weight_threshold,
            "account_auths": [list(pair) for pair in self.account_auths],
            "key_auths": [list(pair) for pair in self.key_auths],
        }


@dataclass(frozen=True)
class Account:
    """One account."""

    name: str
    owner: Authority
    active: Authority
    posting: Authority
    memo_key: str
    created: int
    liquid: Mapping[str, int] = field(default_factory=lambda: {HIVE: 0, HBD: 0, VESTS: 0})  # units by NAI
    savings: Mapping[str, int] = field(default_factory=lambda: {HIVE: 0, HBD: 0})
    json_metadata: str = ""
    posting_json_metadata: str = ""
    recovery: str = "initminer"
    claimed: int = 0
    last_owner_update: int = 0

    def credited(self, amount: Amount) -> Self:
        return replace(self, liquid={**self.liquid, amount.nai: self.liquid[amount.nai] + amount.units})

    def debited(self, amount: Amount, why: str) -> Self:
        left = self.liquid[amount.nai] - amount.units
        if left < 0:
            raise Refused(f"Account does not have sufficient funds for {why}.")
        return replace(self, liquid={**self.liquid, amount.nai: left})

    def saved(self, amount: Amount, sign: int) -> Self:
        left = self.savings[amount.nai] + sign * amount.units
        if left < 0:
            raise Refused("Account does not have sufficient savings funds")
        return replace(self, savings={**self.savings, amount.nai: left})


@dataclass(frozen=True)
class Withdrawal:
    """Money on its way out of savings."""

    sender: str
    request_id: int
    recipient: str
    amount: Amount
    memo: str
    complete: int  # seconds since 1970


@dataclass(frozen=True)
class Recurrent:
    """A transfer that repeats itself."""

    sender: str
    recipient: str
    pair_id: int
    amount: Amount
    memo: str
    hours: int
    left: int
    trigger: int  # seconds since 1970
    failures: int = 0


@dataclass
class State:
    """Everything at once. Values are frozen, so that a copy of the maps is a copy of all."""

    accounts: dict[str, Account] = field(default_factory=dict)
    withdrawals: dict[tuple[str, int], Withdrawal] = field(default_factory=dict)
    recurrent: dict[tuple[str, str, int], Recurrent] = field(default_factory=dict)
    recent: dict[str, int] = field(default_factory=dict)  # expiration by transaction id

    def copy(self) -> "State":
        return State(dict(self.accounts), dict(self.withdrawals), dict(self.recurrent), dict(self.recent))

    def account(self, name: str) -> Account:
        if name not in self.accounts:
            raise Refused(f"Account {name} doesn't exist")
        return self.accounts[name]

    def put(self, account: Account) -> None:
        self.accounts[account.name] = account
