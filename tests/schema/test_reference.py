"""Every field is declared whole, and the reference pages are made of the declarations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from tests.schema.object_strategies import single_objects
from tests.schema.reference_tables import PAGES, ROOTS, filled, sections, table

from laneway.model.keys import Declared
from laneway.schema import encode
from laneway.schema.field_metadata import About
from laneway.schema.field_reference import code, field_rows
from laneway.schema.fields import Shape
from laneway.schema.json_schema import flattened, shapes_in
from laneway.schema.objects import Object
from laneway.schema.openapi import component_name, openapi_document
from laneway.schema.registry import KINDS
from laneway.schema.reports.report import Report

SHAPES = sorted({shape for root in ROOTS.values() for shape in shapes_in(root)}, key=str)
FIELDS = [
    pytest.param(shape, name, id=f"{shape.__name__}.{name}")
    for shape in SHAPES
    for name in shape.model_fields
]
OPENAPI = openapi_document("0")
COMPONENTS = OPENAPI["components"]["schemas"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("shape", "name"), FIELDS)
def test_a_field_has_all_that_is_told_of_it(shape: type[Shape], name: str, language: Any) -> None:
    field = shape.model_fields[name]
    (row,) = (row for row in field_rows(shape, language) if row.path == (field.alias or name))
    assert row.type
    assert row.default
    assert row.meaning
    assert row.constraint
    assert row.meaning[-1] in ".。"


@pytest.mark.parametrize(("shape", "name"), FIELDS)
def test_a_fields_example_is_legal(shape: type[Shape], name: str) -> None:
    """What is never read, and what a report nests, needs none."""
    component = COMPONENTS[component_name(shape)]
    field = shape.model_fields[name]
    plain, found = flattened(field.annotation, field.metadata)
    example = [each for each in found if isinstance(each, About)][-1].example
    if example is None:
        is_nested = isinstance(plain, type) and issubclass(plain, Report)
        assert plain is Any or is_nested
        return
    TypeAdapter(field.rebuild_annotation()).validate_python(example, strict=True)
    if name in ("api_version", "kind") and issubclass(shape, Object):  # each kind has its own
        example = component["properties"][field.alias or name]["example"]
    assert valid(component, example, field.alias or name)


@pytest.mark.parametrize(("shape", "name"), FIELDS)
def test_an_example_is_printed_as_yaml_reads_it(shape: type[Shape], name: str) -> None:
    (row,) = (
        r for r in field_rows(shape, "en") if r.path == (shape.model_fields[name].alias or name)
    )
    assert yaml.safe_load(code(row.example).strip("`")) == row.example


def valid(component: dict[str, Any], value: Any, field: str) -> bool:
    mapping = component.get("oneOf", [component])[-1]
    schema = as_draft_2020(mapping["properties"][field])
    root = {**schema, "components": as_draft_2020(OPENAPI["components"])}
    return bool(Draft202012Validator(root).is_valid(value))


@given(single_objects())
def test_what_laneway_writes_is_of_its_own_schema(declared: Declared) -> None:
    document = encode(declared)
    root = {
        **as_draft_2020(COMPONENTS[document["kind"]]),
        "components": as_draft_2020(OPENAPI["components"]),
    }
    validator = Draft202012Validator(root)
    assert [error.json_path for error in validator.iter_errors(document)] == []
    assert not validator.is_valid({**document, "spec": {**document["spec"], "unknown": 1}})
    assert not validator.is_valid({**document, "kind": "Other"})


def as_draft_2020(schema: Any) -> Any:
    """OpenAPI 3.0 writes nulls and exclusive bounds in a way of its own."""
    if isinstance(schema, list):
        return [as_draft_2020(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: as_draft_2020(each) for name, each in schema.items()}
    if inner.get("exclusiveMinimum") is True:
        inner["exclusiveMinimum"] = inner.pop("minimum")
    if inner.pop("nullable", None) is True:
        return {"anyOf": [{"type": "null"}, inner]}
    return inner


def test_components_have_names_of_their_own() -> None:
    assert len({component_name(shape) for shape in SHAPES}) == len(SHAPES)
    assert COMPONENTS.keys() == {component_name(shape) for shape in SHAPES}


def test_every_reference_leads_to_a_component() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return {each for one in value for each in references(one)}
        if not isinstance(value, dict):
            return set()
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own | references(list(value.values()))

    assert references(OPENAPI) <= {f"#/components/schemas/{name}" for name in COMPONENTS}
    assert references(OPENAPI)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_pages_have_the_tables(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path, filled(path.read_text(encoding="utf-8"), PAGES[path]))


def test_every_kind_and_report_has_its_table_in_both_languages() -> None:
    for language in ("en", "zh"):
        pages = [path for path, own in PAGES.items() if own == language]
        found = [each for path in pages for each in sections(path.read_text(encoding="utf-8"))]
        assert sorted(found) == sorted(ROOTS)


def test_a_table_lists_the_fields_inside_fields() -> None:
    text = table(ROOTS["LaneGroup"], "en")
    assert "| `spec.ingress[].destination` |" in text
    assert "| `spec.sticky.cookie` |" in text
    assert "`metadata.namespace`" not in text
    assert len(KINDS) == 7
