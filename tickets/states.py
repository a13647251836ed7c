"""What a table of states is, and the diagram drawn from it. Which states there are, each record's own module says."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from tickets.errors import IllegalMoveError

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, kw_only=True, slots=True)
class StateTable(Generic[S]):
    """Which state may follow which, and on what occasion."""

    name: str
    initial: tuple[S, ...]
    moves: Mapping[S, Mapping[S, str]]  # every state -> the states that may follow -> the occasion

    def allows(self, old: S, new: S) -> bool:
        """Whether `new` may follow `old`."""
        return new in self.moves[old]

    def check(self, old: S, new: S) -> None:
        """Raise IllegalMoveError unless `new` may follow `old`."""
        if not self.allows(old, new):
            raise IllegalMoveError(f"{self.name}: {old} -> {new}")

    def before(self, new: S) -> tuple[S, ...]:
        """Return the states that `new` may follow: what a conditional write asks for."""
        return tuple(old for old, following in self.moves.items() if new in following)

    def mermaid(self) -> str:
        """Return the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", *(f"    [*] --> {state}" for state in self.initial)]
        for old, following in self.moves.items():
            lines += [f"    {old} --> {new}: {occasion}" for new, occasion in following.items()]
            if not following:
                lines.append(f"    {old} --> [*]")
        return "\n".join(lines)
