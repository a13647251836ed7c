"""Reads our own documentation: an example is taken from the page that shows it, so tests run what people read."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/guides/{path.name}" for path in ROOT.glob("docs/guides/*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)[^)]*\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """A fenced block."""

    section: str  # the heading above it
    language: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """An HTTP example."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


def page(name: str) -> str:
    """Return a page's text."""
    return (ROOT / name).read_text("utf-8")


def fences(name: str, language: str | None = None) -> list[Fence]:
    """Return the fenced blocks of a page."""
    text = page(name)
    found = []
    for match in _FENCE.finditer(text):
        headings = re.findall(r"^#+ (.*)$", text[: match.start()], re.MULTILINE)
        found.append(Fence(section=headings[-1] if headings else "", language=match[1], text=match[2]))
    return [fence for fence in found if language in (None, fence.language)]


def prose(name: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page(name))


def spans(name: str) -> list[str]:
    """Return what stands in backticks, on one line each."""
    return [" ".join(span.split()) for span in _SPAN.findall(prose(name))]


def links(name: str) -> list[str]:
    """Return the files that a page links to, relative to it."""
    return [link for link in _LINK.findall(prose(name)) if "://" not in link]


def commands(name: str) -> list[list[str]]:
    """Return the command lines of a page's shell blocks as words; comments are gone, continued lines are joined."""
    lines = [line for fence in fences(name, "sh") for line in fence.text.replace("\\\n", " ").splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def spoken_commands(name: str) -> list[list[str]]:
    """Return the `usher …` commands within the text, which may leave something out."""
    return [shlex.split(span.replace("…", "")) for span in spans(name) if span.startswith("usher ")]


def rows(name: str, heading: str) -> Iterator[Sequence[str]]:
    """Return the cells of the table whose first column has this heading."""
    table = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[ -|]+\|\n((?:\|.*\n)+)", page(name), re.MULTILINE)
    assert table is not None, f"{name} has no table of {heading!r}"
    for line in table[1].splitlines():
        yield [cell.strip() for cell in line.strip("|").split("|")]


def named(name: str, heading: str) -> list[str]:
    """Return what the first column of a table names in backticks."""
    return [word for row in rows(name, heading) for word in _SPAN.findall(row[0])]


def request(text: str) -> Request:
    """Read an HTTP example (RFC 9112, without the version)."""
    head, _, body = text.partition("\n\n")
    start, *fields = head.splitlines()
    method, path = start.split()
    return Request(method=method, path=path, headers=dict(field.split(": ", 1) for field in fields), body=body.strip())


def script(name: str, section: str) -> str:
    """Return the JavaScript of a section."""
    return "".join(fence.text for fence in fences(name, "js") if fence.section == section)
