"""How the story is printed, and what counts as told: a step that did not happen ends the demo with an error."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape


class NotToldError(Exception):
    """A step of the story did not happen."""


class Teller:
    """Prints chapters and steps; colour only on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.steps = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def step(self, text: str, *, shown: Mapping[str, Any] | None = None) -> None:
        """Tell what has just been seen to happen, with its details below."""
        self.steps += 1
        self._console.print(f"  [green]✓[/green] {escape(text)}", soft_wrap=True)
        for name, value in (shown or {}).items():
            self._console.print(
                f"      [dim]{escape(name)}[/dim]  {escape(str(value))}", soft_wrap=True, highlight=False
            )

    def picture(self, text: str) -> None:
        """Print something drawn, such as a QR code, as it is."""
        self._console.print(text, highlight=False, markup=False)

    def expect(self, happened: object, text: str, *, shown: Mapping[str, Any] | None = None) -> None:
        """Tell a step, or end the demo if it did not happen."""
        if not happened:
            details = "".join(f"; {name}: {value}" for name, value in (shown or {}).items())
            raise NotToldError(f"{text}{details}")
        self.step(text, shown=shown)
