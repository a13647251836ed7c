"""A refusal of the gateway as a value, and the document that it is answered with (RFC 9457). Codes are in `codes`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from gateway.http.codes import Code

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A refusal as a value; handlers return it."""

    code: Code
    detail: str | None = None  # what is particular here; no secret, none of the client's own words
    server_time: datetime | None = None  # set where time was the reason
    retry_after: int | None = None  # seconds
    extra: Mapping[str, Any] = field(default_factory=dict)  # members beside the standard ones
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_response(self) -> web.Response:
        """Return the problem document (RFC 9457 section 3) with `code` and, for existing pages, `error`."""
        detail = self.detail or self.code.advice
        members = {
            "type": f"urn:usher:problem:{self.code}",
            "title": self.code.title,
            "status": self.code.status,
            "detail": detail,
            "code": self.code.value,
            "error": f"{self.code.title}. {detail}",
            **self.extra,
        }
        if self.server_time is not None:
            members["server_time"] = self.server_time
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return ProblemResponse(
            code=self.code,
            body=orjson.dumps(members, option=orjson.OPT_UTC_Z),
            status=self.code.status,
            content_type=PROBLEM_JSON,
            headers=headers,
        )


class ProblemResponse(web.Response):
    """A refusal on its way out; it still knows its code, for the metrics."""

    def __init__(self, *, code: Code, **answer: Any) -> None:
        super().__init__(**answer)
        self.code = code
