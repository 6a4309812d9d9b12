"""The OpenAPI 3.1 document, made from the operations: what is served is what is described."""

from __future__ import annotations

import http
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from services.gateway.edge.operation import AnyOperation, Auth, Header
from services.gateway.edge.problems import CONTENT_TYPE, explanation
from services.gateway.models.common import Problem

type Json = dict[str, Any]

REF: Final = "#/components/schemas/{name}"
# What any operation may answer; then what it adds when it knows the caller, and when it reads a body or query.
_EVERY: Final = ("too-many-requests", "dependency-down", "unavailable", "overloaded", "timed-out", "internal-error")
_TOKEN: Final = ("invalid-token", "token-expired")
_BODY: Final = (
    "malformed-json",
    "body-too-large",
    "unsupported-media-type",
    "request-timeout",
    "invalid-argument",
)
TITLE: Final = "Ticketing platform"
ABOUT: Final = """\
Buy tickets to events where many want few seats. An order joins a fair queue (`202`); watch it on the WebSocket, or \
look it up until it is decided.

Errors are problems (RFC 9457): `reason` is a stable slug, `type` a page that explains it. Money is integer minor \
units with a currency; times are RFC 3339 in UTC; lists page by `cursor`."""


def document(operations: Sequence[AnyOperation], *, tags: Mapping[str, str]) -> Json:
    """The whole API."""
    paths: defaultdict[str, Json] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": TITLE,
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a session, from /api/v1/auth/login.",
                }
            },
        },
    }


def reasons(operation: AnyOperation) -> list[str]:
    """Every reason this operation may give, its own first."""
    found = list(operation.errors)
    if operation.missing:
        found.append(operation.missing)
    if operation.body is not type(None):
        found += _BODY
    if operation.query is not type(None):
        found.append("invalid-argument")
    if operation.auth is Auth.REQUIRED:
        found.append("missing-token")
    if operation.auth is not Auth.NONE:
        found += _TOKEN
    if operation.roles:
        found.append("forbidden")
    return list(dict.fromkeys([*found, *_EVERY]))


def _schemas(operations: Sequence[AnyOperation]) -> Json:
    bodies = [operation.body for operation in operations if operation.body is not type(None)]
    answers = [operation.answer for operation in operations if operation.answer is not None]
    _, components = msgspec.json.schema_components([*bodies, *answers, Problem], ref_template=REF)
    return dict(sorted(components.items()))


def _operation(operation: AnyOperation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)],
        "responses": _responses(operation),
    }
    text = operation.description
    if operation.roles:
        text = f"{text}\n\nRoles: {', '.join(sorted(operation.roles))}.".strip()
    if text:
        described["description"] = text
    if operation.body is not type(None):
        content: Json = {"schema": _ref(operation.body)}
        if operation.example:
            content["example"] = operation.example
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {"application/json": content},
        }
    security: dict[Auth, list[Json]] = {Auth.REQUIRED: [{"bearer": []}], Auth.OPTIONAL: [{}, {"bearer": []}]}
    described["security"] = security.get(operation.auth, [])
    return described


def _path_parameters(operation: AnyOperation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        for name in operation.parameters
    ]


def _query_parameters(operation: AnyOperation) -> list[Json]:
    if operation.query is type(None):
        return []
    _, components = msgspec.json.schema_components([operation.query], ref_template=REF)
    properties: Json = components[operation.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": schema}
        for name, schema in properties.items()
    ]


def _headers(operation: AnyOperation) -> list[Json]:
    return [
        {"name": header.name, "in": "header", "description": header.description, "schema": _header_schema(header)}
        for header in operation.request_headers
    ]


def _header_schema(header: Header) -> Json:
    return {"type": "string", "pattern": header.pattern} if header.pattern else {"type": "string"}


def _responses(operation: AnyOperation) -> Json:
    success: Json = {"description": http.HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        content: Json = {"schema": _ref(operation.answer)}
        if operation.answer_example:
            content["example"] = operation.answer_example
        success["content"] = {"application/json": content}
    if operation.answer_headers:
        success["headers"] = {
            header.name: {"description": header.description, "schema": _header_schema(header)}
            for header in operation.answer_headers
        }
    responses: Json = {str(operation.status): success}
    responses |= {str(status): {"description": text} for status, text in operation.also.items()}
    return responses | _problems(operation)


def _problems(operation: AnyOperation) -> Json:
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for reason in reasons(operation):
        by_status[explanation(reason).status].append(reason)
    return {
        str(status): {
            "description": "\n".join(f"- `{reason}`: {explanation(reason).means}" for reason in found),
            "content": {CONTENT_TYPE: {"schema": _ref(Problem)}},
        }
        for status, found in sorted(by_status.items())
    }


def _ref(shape: type) -> Json:
    return {"$ref": REF.format(name=shape.__name__)}
