"""OpenAPI 3.1, made from the table of routes and pydantic's JSON Schema 2020-12. It documents nothing by hand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.http.codes import Code
from gateway.http.limits import Budget
from gateway.http.problems import PROBLEM_JSON
from gateway.http.routing import JSON, ROUTES, Route

OPENAPI = "3.1.0"
API_VERSION = "1"
REFERENCE = "#/components/schemas/{model}"
ALWAYS = (Code.MALFORMED_REQUEST, Code.SECRET_IN_URL, Code.SERVER_ERROR, Code.STORE_UNAVAILABLE)
WITH_BODY = (
    Code.NOT_JSON,
    Code.NOT_JSON_TYPE,
    Code.BODY_TOO_SLOW,
    Code.BODY_TOO_LARGE,
    Code.INVALID_FIELDS,
)
WITH_KEY = (Code.IDEMPOTENCY_KEY_MALFORMED, Code.IDEMPOTENCY_KEY_IN_USE, Code.IDEMPOTENCY_KEY_REUSED)

Schema = Mapping[str, Any]
Schemas = Mapping[Any, Schema]  # by model and mode

_PLACEHOLDER = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def describe(routes: Sequence[Route], *, title: str, server: str) -> dict[str, Any]:
    """Return the OpenAPI document of a table of routes."""
    given, given_parts = models_json_schema([*_given(routes)], by_alias=False, ref_template=REFERENCE)
    answers, answer_parts = models_json_schema([*_answers(routes)], by_alias=True, ref_template=REFERENCE)  # as written
    schemas = {**given, **answers}
    parts = {**given_parts.get("$defs", {}), **answer_parts.get("$defs", {})}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_PLACEHOLDER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": OPENAPI,
        "info": {"title": title, "version": API_VERSION},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**parts, "Problem": PROBLEM},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details with a stable code.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": [code.value for code in Code]},
        "error": {"type": "string", "description": "The same in words, for people."},
        "server_time": {"type": "string", "format": "date-time", "description": "Set where time was the reason."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                "required": ["field", "reason"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code", "error"],
}


def problems_of(route: Route) -> tuple[Code, ...]:
    """Return every code that a route may refuse with, each once, in the table's order."""
    possible = {
        *ALWAYS,
        *route.problems,
        *(WITH_BODY if route.body else ()),
        *((Code.INVALID_FIELDS,) if route.query else ()),
        *(WITH_KEY if route.idempotent else ()),
        *((Code.RATE_LIMITED,) if route.budget else ()),
    }
    return tuple(code for code in Code if code in possible)


def _given(routes: Iterable[Route]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    return [(model, "validation") for route in routes for model in (route.body, route.query) if model is not None]


def _answers(routes: Iterable[Route]) -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    return [(route.answer, "serialization") for route in routes if route.answer is not None]


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)],
        "responses": _responses(route, schemas),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schemas[route.body, "validation"]}},
        }
    if route.session:
        operation["security"] = [{"session": []}]
    return operation


def _operation_id(route: Route) -> str:
    return "_".join([route.method.lower(), *re.findall(r"\w+", _PLACEHOLDER.sub(r"by_\1", route.path))])


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    """Return every answer; where a status has an answer of the route's own and refusals too, it has both forms."""
    own = _success(route, schemas)
    described = {str(route.status): own, **_refusals(route)}
    for status in map(str, route.also):
        refusal = described.get(status, {"description": HTTPStatus(int(status)).phrase, "content": {}})
        described[status] = {**refusal, "content": {**own.get("content", {}), **refusal["content"]}}
    return described


def _success(route: Route, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        described["content"] = {route.media: {"schema": schemas[route.answer, "serialization"]}}
    elif route.media != JSON:
        described["content"] = {route.media: {"schema": {"type": "string"}}}
    return described


def _refusals(route: Route) -> dict[str, Any]:
    by_status = sorted(problems_of(route), key=lambda code: code.status)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {code.title}" for code in codes),
            "content": {PROBLEM_JSON: {"schema": {"$ref": REFERENCE.format(model="Problem")}}},
        }
        for status, codes in groupby(by_status, key=lambda code: code.status)
    }


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACEHOLDER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(by_alias=False, ref_template=REFERENCE)
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema["properties"].items()
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if not route.idempotent:
        return []
    about = "Repeats of a request with the same key get the first one's answer for 24 hours."
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "description": about, "schema": schema}]


DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi", bytes)


def publish(app: web.Application, *, title: str, server: str) -> None:
    """Write the document, once all routes are registered."""
    table = app[ROUTES]
    app[DOCUMENT] = orjson.dumps(describe(table, title=title, server=server))


async def openapi(request: web.Request, _: None) -> web.Response:
    """Hand out the document."""
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    return web.Response(body=request.app[DOCUMENT], content_type=JSON, headers=headers)


ROUTE = Route(method="GET", path="/openapi.json", handler=openapi, summary="This document", budget=Budget.READS)
