"""The OpenAPI document: whole, consistent, and made from what is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from services.gateway import api_document
from services.gateway.api_document import OPERATIONS
from services.gateway.app import TAGS
from services.gateway.edge.openapi import Json, document, reasons
from services.gateway.edge.operation import AnyOperation, Auth
from services.gateway.edge.problems import explanation
from services.gateway.edge.reasons import EXPLAINED
from services.gateway.edge.reference import reference

DOCUMENT = document(OPERATIONS, tags=TAGS)


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}

    assert set(references(DOCUMENT)) <= known


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": DOCUMENT["jsonSchemaDialect"], **schema})


def test_every_operation_has_a_name_of_its_own_and_a_known_tag() -> None:
    described = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]

    assert len({operation["operationId"] for operation in described}) == len(OPERATIONS) == len(described)
    assert {tag for operation in described for tag in operation["tags"]} == set(TAGS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_error_is_described_and_explained(operation: AnyOperation) -> None:
    responses: Json = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]

    assert {"429", "500", "503"} <= responses.keys()
    assert ("401" in responses) == (operation.auth is not Auth.NONE or _logs_in(operation))
    for reason in reasons(operation):
        assert reason in EXPLAINED
        assert f"`{reason}`" in responses[str(explanation(reason).status)]["description"]


def _logs_in(operation: AnyOperation) -> bool:
    return any(explanation(reason).status == 401 for reason in operation.errors)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_path_with_an_id_says_what_a_wrong_one_is(operation: AnyOperation) -> None:
    assert bool(operation.parameters) == bool(operation.missing)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.example], ids=lambda operation: operation.name)
def test_examples_are_what_they_are_examples_of(operation: AnyOperation) -> None:
    msgspec.convert(operation.example, operation.body)
    if operation.answer_example:
        assert operation.answer is not None
        msgspec.convert(operation.answer_example, operation.answer)


def test_requests_refuse_fields_they_do_not_know() -> None:
    for operation in OPERATIONS:
        for shape in (operation.body, operation.query):
            assert shape is type(None) or shape.__struct_config__.forbid_unknown_fields


def test_the_page_for_people_names_every_operation() -> None:
    page = reference(OPERATIONS, DOCUMENT)

    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page


def test_the_web_app_knows_this_api() -> None:
    """`make openapi` writes it anew; the app's types are made from it."""
    kept = Path(__file__).parents[3] / "services" / "frontend" / "openapi.json"

    assert kept.read_text() == api_document.text()
