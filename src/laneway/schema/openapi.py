"""The OpenAPI document: every kind that laneway reads and every report that it writes.

It describes no paths. It is what an API server publishes beside its paths, and what editors and
generators of clients need: each object as a component, with descriptions, defaults and examples.
"""

from __future__ import annotations

from typing import Any

from laneway.schema.field_metadata import About
from laneway.schema.fields import Shape
from laneway.schema.json_schema import (
    JsonSchema,
    Style,
    anchored,
    described,
    flattened,
    object_schema,
    shapes_in,
)
from laneway.schema.kind import Kind
from laneway.schema.objects import Object
from laneway.schema.registry import KINDS
from laneway.schema.reports import ChangeReport, ExplanationReport, FindingReport

REPORTS: tuple[type[Shape], ...] = (FindingReport, ExplanationReport, ChangeReport)


def openapi_document(version: str) -> dict[str, Any]:
    """An OpenAPI 3.0 document, as Kubernetes' API servers publish; ``version`` is laneway's."""
    components: dict[str, JsonSchema] = {}
    for kind in KINDS:
        for shape in shapes_in(kind.shape):
            components[component_name(shape)] = _component(shape)
        components[component_name(kind.shape)] |= _kind_of_object(kind)
    for report in REPORTS:
        for shape in shapes_in(report):
            components[component_name(shape)] = _component(shape)
    return {
        "openapi": "3.0.3",
        "info": {"title": "laneway", "version": version},
        "paths": {},
        "components": {"schemas": dict(sorted(components.items()))},
    }


def component_name(shape: type[Shape]) -> str:
    return shape.__name__.removesuffix("Object") if issubclass(shape, Object) else shape.__name__


def _component(shape: type[Shape]) -> JsonSchema:
    schema = object_schema(shape, OPENAPI)
    if shape.about is not None:
        schema = {"description": described(shape.about, shape), **schema}
    for field, written in zip(
        shape.model_fields.values(), schema["properties"].values(), strict=True
    ):
        example = _example(field.annotation, field.metadata)
        if example is not None:
            written["example"] = example
    schema["additionalProperties"] = False
    if shape.short_form is None:
        return schema
    text = {"type": "string", "pattern": anchored(shape.short_form.pattern)}
    return {"oneOf": [text, schema]}


def _example(annotation: Any, metadata: list[Any]) -> Any:
    abouts = [each for each in flattened(annotation, metadata)[1] if isinstance(each, About)]
    return abouts[-1].example if abouts else None


def _kind_of_object(kind: Kind) -> JsonSchema:
    group_version_kinds = [
        {"group": kind.group, "version": version, "kind": kind.name} for version in kind.versions
    ]
    properties = _component(kind.shape)["properties"]
    properties["apiVersion"] |= {"enum": list(kind.api_versions), "example": kind.api_versions[0]}
    properties["kind"] |= {"enum": [kind.name], "example": kind.name}
    return {
        "properties": properties,
        "x-kubernetes-group-version-kind": group_version_kinds,
    }


def _reference(shape: type[Shape]) -> JsonSchema:
    return {"allOf": [{"$ref": f"#/components/schemas/{component_name(shape)}"}]}


OPENAPI = Style(
    shape=_reference,
    anything={},
    bounded=False,
    one_of=lambda options: {"oneOf": options},
    nullable=True,
)
