"""The CustomResourceDefinitions: structural, of the same fields as the kinds' own shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from tests.compile.cases import ROOT

from laneway.compile.crds import custom_resource_definitions
from laneway.model.kinds import laneway
from laneway.model.kinds.fields import Reference
from laneway.model.names import ObjectName
from laneway.operator.ready_instances import Instances
from laneway.operator.status import Condition, status_of

cel = pytest.importorskip("cel_expr_python.cel", reason="has no wheel for this machine")
strings = pytest.importorskip("cel_expr_python.ext.ext_strings")

CRDS = {crd["spec"]["names"]["kind"]: crd for crd in custom_resource_definitions()}
SHAPES: dict[str, type[BaseModel]] = {
    "LaneGroup": laneway.LaneGroupSpec,
    "Lane": laneway.LaneSpec,
}
Schema = dict[str, Any]


def schema_of(kind: str) -> Schema:
    (version,) = CRDS[kind]["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema of a value, the root first."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    for one in ("items", "additionalProperties"):
        if one in schema:
            yield from nodes(schema[one], f"{path}[]")


NODES = [(kind, *node) for kind in CRDS for node in nodes(schema_of(kind))]


@pytest.mark.parametrize("kind", CRDS)
def test_schemas_are_structural(kind: str) -> None:
    """Kubernetes' conditions, as far as they concern what is used here."""
    known = {
        "type", "description", "properties", "required", "items", "additionalProperties", "enum",
        "pattern", "format", "default", "minimum", "maximum", "minLength", "maxLength", "minItems",
        "maxItems", "minProperties", "maxProperties", "x-kubernetes-validations",
        "x-kubernetes-preserve-unknown-fields", "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
    }  # fmt: skip
    for path, schema in nodes(schema_of(kind)):
        assert schema.keys() <= known, path
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            assert schema["type"] in ("object", "array", "string", "integer", "boolean"), path
        assert not ("properties" in schema and "additionalProperties" in schema), path
        if "properties" in schema:
            assert set(schema.get("required", ())) <= schema["properties"].keys(), path


@pytest.mark.parametrize("kind", CRDS)
def test_patterns_are_of_both_syntaxes(kind: str) -> None:
    """RE2's, and JSON Schema's here; anchored, since neither anchors by itself."""
    for path, schema in nodes(schema_of(kind)):
        if "pattern" in schema:
            re.compile(schema["pattern"])
            assert schema["pattern"].startswith("^"), path
            assert schema["pattern"].endswith("$"), path


def shape_in(annotation: object) -> type[BaseModel] | None:
    """The shape inside ``list[X]``, ``dict[str, X]``, ``X | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(shape_in, get_args(annotation))), None)


def literals(annotation: object) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in literals(part)]


def agree(schema: Schema, shape: type[BaseModel], path: str) -> None:
    while "items" in schema or "additionalProperties" in schema:
        schema = schema.get("items") or schema["additionalProperties"]
    fields = {field.alias or name: field for name, field in shape.model_fields.items()}
    required = {name for name, field in fields.items() if field.is_required()}
    assert set(schema.get("required", ())) == required, path
    if schema.get("x-kubernetes-preserve-unknown-fields"):  # written short or long
        return
    assert schema["properties"].keys() == fields.keys(), path
    for name, field in fields.items():
        inner = schema["properties"][name]
        at = f"{path}.{name}"
        assert inner.get("enum", []) == literals(field.annotation), at
        if "default" in inner:
            assert inner["default"] == field.default, at
        found = shape_in(field.annotation)
        if found is not None:
            agree(inner, found, at)


@pytest.mark.parametrize("kind", SHAPES)
def test_fields_are_those_of_the_kind_itself(kind: str) -> None:
    agree(schema_of(kind)["properties"]["spec"], SHAPES[kind], kind)
    assert shape_in(SHAPES["LaneGroup"].model_fields["services"].annotation) is Reference


def problems(document: Mapping[str, Any]) -> list[str]:
    """What the API server says: schema, fields that it would drop, and rules."""
    schema = schema_of(document["kind"])
    validator = Draft202012Validator(closed(schema))
    found = [error.json_path for error in validator.iter_errors(document)]
    return found or list(broken_rules(schema, document))


def closed(schema: Schema) -> Schema:
    """An error where the API server would drop a field."""
    copy = dict(schema)
    if "properties" in schema:
        copy["properties"] = {name: closed(one) for name, one in schema["properties"].items()}
        is_metadata = schema["properties"] == {}
        copy["additionalProperties"] = is_metadata
    for one in ("items", "additionalProperties"):
        if isinstance(schema.get(one), dict):
            copy[one] = closed(schema[one])
    return copy


def broken_rules(schema: Schema, value: Any) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        if not evaluate(rule["rule"], value):
            yield rule["message"]
    if isinstance(value, Mapping):
        for name, field in value.items():
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if inner:
                yield from broken_rules(inner, field)
    if isinstance(value, list):
        for item in value:
            yield from broken_rules(schema.get("items", {}), item)


def evaluate(rule: str, value: Any) -> bool:
    environment = cel.NewEnv(variables={"self": cel.Type.DYN}, extensions=[strings.ExtStrings()])
    result = environment.compile(rule).eval(data={"self": value}).plain_value()
    assert isinstance(result, bool), result
    return result


def declared() -> list[Any]:
    files = [
        *(ROOT / "examples").rglob("*.yaml"),
        *(ROOT / "tests/golden/meshes").glob("*/mesh.yaml"),
        *(ROOT / "tests/golden/istio").glob("*/mesh.yaml"),
    ]
    return [
        pytest.param(document, id=f"{file.relative_to(ROOT)} {document['metadata']['name']}")
        for file in sorted(files)
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
        if document and document["apiVersion"] == "laneway.dev/v1alpha1"
        if document["kind"] in CRDS
    ]


@pytest.mark.parametrize("document", declared())
def test_examples_are_accepted(document: dict[str, Any]) -> None:
    assert problems(document) == []


GROUP = {
    "apiVersion": "laneway.dev/v1alpha1",
    "kind": "LaneGroup",
    "metadata": {"name": "g"},
    "spec": {"routeHeader": "x-lane", "services": ["a", {"name": "b", "namespace": "c"}]},
}
LANE = {
    "apiVersion": "laneway.dev/v1alpha1",
    "kind": "Lane",
    "metadata": {"name": "s2"},
    "spec": {"group": "g", "selector": {"version": "v2"}},
}
RULE = {"name": "r", "destination": {"service": "a", "port": 80}}


def with_spec(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**document, "spec": {**document["spec"], **fields}}


@pytest.mark.parametrize(
    "document",
    [
        GROUP,
        LANE,
        with_spec(GROUP, sticky={"cookie": "user"}, gateway="istio-system/ingressgateway"),
        with_spec(LANE, ingress=[{**RULE, "uri": {"regex": ".*"}, "hosts": ["*.a.test"]}]),
        with_spec(LANE, ingress=[{**RULE, "destination": "c/b"}], fallback=["s1"], weight=5),
    ],
)
def test_what_is_right_is_accepted(document: dict[str, Any]) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    "document",
    [
        {**LANE, "metadata": {"name": "s" * 64}},
        {**LANE, "metadata": {"name": "s.2"}},
        with_spec(GROUP, routeHeaders="x"),
        with_spec(GROUP, routeHeader="x lane"),
        with_spec(GROUP, routeHeader="Connection"),
        with_spec(GROUP, traceHeader="te"),
        with_spec(GROUP, services=[]),
        with_spec(GROUP, services=[{"namespace": "c"}]),
        with_spec(GROUP, services=["A"]),
        with_spec(GROUP, services=["a/b/c"]),
        with_spec(GROUP, mode="lenient"),
        with_spec(GROUP, sticky={}),
        with_spec(GROUP, sticky={"header": "x", "cookie": "y"}),
        with_spec(LANE, weight=101),
        with_spec(LANE, selector={}),
        with_spec(LANE, mode="strict", fallback=["s1"]),
        with_spec(LANE, ingress=[{"name": "r"}]),
        with_spec(LANE, ingress=[{**RULE, "uri": {}}]),
        with_spec(LANE, ingress=[{**RULE, "uri": {"exact": "/a", "prefix": "/a"}}]),
        with_spec(LANE, ingress=[{**RULE, "uri": {"exact": "a"}}]),
        with_spec(LANE, ingress=[{**RULE, "uri": {"prefix": "/a?b"}}]),
        with_spec(LANE, ingress=[{**RULE, "headers": {"x": {}}}]),
        with_spec(LANE, ingress=[{**RULE, "hosts": ["https://a"]}]),
        with_spec(LANE, ingress=[{**RULE, "methods": ["get"]}]),
        with_spec(LANE, ingress=[{**RULE, "destination": {"port": 80}}]),
    ],
)
def test_what_is_wrong_is_refused(document: dict[str, Any]) -> None:
    assert len(problems(document)) >= 1


@pytest.mark.parametrize("kind", CRDS)
def test_the_status_that_the_operator_reports_is_kept_whole(kind: str) -> None:
    conditions = [Condition("Accepted", True, "Valid"), Condition("Ready", False, "NO_REASON", "x")]
    instances = [Instances(ObjectName("default", "a"), 1, 2)] if kind == "Lane" else None
    document = {**(LANE if kind == "Lane" else GROUP)}
    document["metadata"] = {"name": "x", "generation": 3}
    document["status"] = status_of(document, conditions, instances, "2026-01-01T00:00:00Z")
    assert problems(document) == []
    spec = CRDS[kind]["spec"]["versions"][0]
    assert spec["subresources"] == {"status": {}}


def test_names_and_scope() -> None:
    for kind, crd in CRDS.items():
        names = crd["spec"]["names"]
        assert crd["metadata"]["name"] == f"{names['plural']}.{crd['spec']['group']}"
        assert crd["spec"]["scope"] == "Cluster"
        assert names["listKind"] == f"{kind}List"


@pytest.mark.parametrize("kind", CRDS)
def test_columns_show_fields_that_exist(kind: str) -> None:
    paths = {path for path, _ in nodes(schema_of(kind))}
    for column in CRDS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]:
        plain = re.sub(r"\[\?.*?\]", "[]", column["jsonPath"])
        assert plain in paths or plain == ".metadata.creationTimestamp"
