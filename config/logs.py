"""Structured logs on standard error: JSON for machines, colours for people. Every entry is redacted on its way out.

Rooms write `log = structlog.get_logger()` and `log.info("payment.minted", chain=…)`; ids of the request or payment
being worked on are bound once: `with logs.bound(payment_id=…):`.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.contextvars import bound_contextvars as bound
from structlog.typing import EventDict, Processor

from config.redaction import redact, redact_text
from config.sections import LogSettings

__all__ = ["bound", "configure"]

_QUIET = ("aiohttp.access", "apscheduler", "alembic", "asyncio", "web3")
"""Libraries whose routine says nothing to an operator: their warnings are shown, the rest is not."""


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send our logs and those of the libraries to `stream` (standard error)."""
    out = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    console = settings.format == "console" or (settings.format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redacted,
    ]
    renderer: Processor = _console(out) if console else _json
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(shared, renderer, level, out)


def _adopt_libraries(shared: list[Processor], renderer: Processor, level: int, out: TextIO) -> None:
    """Let what libraries log through the standard library pass the same processors."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _redacted(_logger: Any, _method: str, entry: EventDict) -> EventDict:
    for key, value in entry.items():
        if not key.startswith("_"):  # the standard library's own record, never rendered
            entry[key] = redact_text(str(value)) if key == "event" else redact(key, value)
    return entry


def _json(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> str:
    return orjson.dumps(entry, default=str).decode()


def _console(out: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
