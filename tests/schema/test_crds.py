"""The CustomResourceDefinitions: they are structural, and agree with decoding."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.compile.golden_cases import ROOT
from tests.schema.object_strategies import NAMES, groups, labels, lanes

from laneway.model.codes import Code
from laneway.model.findings import Finding, Source
from laneway.model.names import ObjectName
from laneway.operator.ready_instances import Instances
from laneway.operator.status import Condition, status_of
from laneway.schema import Document, decode, encode
from laneway.schema.crds import custom_resource_definitions

cel = pytest.importorskip("cel_expr_python.cel", reason="has no wheel for this machine")
strings = pytest.importorskip("cel_expr_python.ext.ext_strings")

CRDS = {crd["spec"]["names"]["kind"]: crd for crd in custom_resource_definitions()}
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


@pytest.mark.parametrize("kind", CRDS)
def test_all_that_rules_look_at_has_bounds(kind: str) -> None:
    """Else the API server refuses the definition: it cannot tell what a rule may cost."""
    for path, schema in nodes(schema_of(kind)["properties"]["spec"]):
        rules = schema.get("x-kubernetes-validations", [])
        if "items" in schema:
            assert schema["maxItems"], path
        if "additionalProperties" in schema:
            assert schema["maxProperties"], path
        if schema.get("type") == "string" and rules:
            assert schema["maxLength"], path
        for name, field in schema.get("properties", {}).items():
            is_read = any(f"self.{name}" in rule["rule"] for rule in rules)
            if is_read and field.get("type") == "string" and "enum" not in field:
                assert field["maxLength"], f"{path}.{name}"


@pytest.mark.parametrize("kind", CRDS)
def test_defaults_are_valid_themselves(kind: str) -> None:
    """Structural schemas must be so."""
    for path, schema in nodes(schema_of(kind)):
        if "default" in schema:
            assert Draft202012Validator(closed(schema)).is_valid(schema["default"]), path


def problems(document: Mapping[str, Any]) -> list[str]:
    """What the API server says: schema, fields that it would drop, and rules."""
    found = [error.json_path for error in VALIDATORS[document["kind"]].iter_errors(document)]
    return found or list(broken_rules(schema_of(document["kind"]), document))


def closed(schema: Schema) -> Schema:
    """An error where the API server would drop a field."""
    copy = dict(schema)
    if "pattern" in schema:  # Python's $ matches before a line's end, too.
        copy["pattern"] = re.sub(r"\$$", r"\\Z", schema["pattern"])
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


VALIDATORS = {kind: Draft202012Validator(closed(schema_of(kind))) for kind in CRDS}


@functools.cache
def compiled(rule: str) -> Any:
    environment = cel.NewEnv(variables={"self": cel.Type.DYN}, extensions=[strings.ExtStrings()])
    return environment.compile(rule)


def evaluate(rule: str, value: Any) -> bool:
    result = compiled(rule).eval(data={"self": value}).plain_value()
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


#: What structural schemas have for decoding's errors about one document.
OF_ONE_DOCUMENT = {
    Code.INVALID_VALUE,
    Code.MISSING_FIELD,
    Code.STRICT_FALLBACK,
    Code.UNKNOWN_FIELD,
    Code.WRONG_TYPE,
}
BOUNDS = {"maxLength", "maxItems", "maxProperties"}
#: Fields that are written as some text or as a mapping, and maps whose keys have a form.
REFERENCES = {"gateway", "services", "destination"}
MAPS = {"selector", "serviceBaselines", "headers", "query"}


def is_beyond_schemas(finding: Finding, document: Mapping[str, Any]) -> bool:
    """Whether a structural schema cannot say this: see ``schema.json_schema``."""
    if finding.path[-1] == "regex" and "RE2" in finding.fix:
        return True
    value: Any = document
    above: str | int = ""
    for part in finding.path:
        if above in MAPS and isinstance(value, dict) and part == finding.path[-1]:
            return True
        is_reference = part in REFERENCES or above == "services"
        inside = isinstance(value, list) or part in value
        value = value[part] if inside else None
        if is_reference and part != "services" and not isinstance(value, str):
            return True
        above = part
    return False


# Plain text, hosts and headers, paths and other words, numbers, lists, mappings.
POOL: list[Any] = [
    *["", "a", "A", "a.b", "a/b", "a/b/c", "-a", "x" * 63, "x" * 64, "a\n", "a b", "é", "\0"],
    *["*", "*.a.test", "A.Test", "a..b", "a_b", "a:80", "Host", "x-lane", "te", ":path"],
    *["/", "/a?b", "/a#b", "/a\nb", "(", "(?=a)", "permissive", "strict", "GET", "get"],
    *[0, 1, -1, 100, 101, 65536, True, False, "x" * 1025],
    *[[], ["a"], ["s1"], [[]], [{}], ["a"] * 65, {}, {"a": "b"}, {"name": "a"}, {"service": "a"}],
    *[{"exact": "/a"}, {"prefix": "a"}, {"exact": "a", "prefix": "a"}, {"header": "x"}],
    *[{"header": "x", "cookie": "y"}, {"cookie": ""}, {"name": "r"}, [{"name": "r"}]],
]
FIELDS = ["name", "mode", "uri", "exact", "regex", "port", "hosts", "fallback", "cookie", "a b"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to all that stands in a document."""
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Valid lanes and groups, with up to two values replaced, added or removed."""
    declared = draw(groups(NAMES) | lanes(labels, NAMES, at_least=0))
    document: dict[str, Any] = json.loads(json.dumps(encode(declared)))
    for _ in range(draw(st.integers(0, 2))):
        *path, last = draw(st.sampled_from([*places(document["spec"])][1:]))
        parent = document["spec"]
        for part in path:
            parent = parent[part]
        action = draw(st.sampled_from(["replace", "replace", "add", "remove"]))
        if action == "remove":
            del parent[last]
        elif action == "add" and isinstance(parent, dict):
            parent[draw(st.sampled_from(FIELDS))] = draw(st.sampled_from(POOL))
        else:
            parent[last] = copy.deepcopy(draw(st.sampled_from(POOL)))
        if not document["spec"]:
            break
    return document


def errors_of(document: Mapping[str, Any]) -> list[Finding]:
    """What decoding says of the document by itself; of a lane, beside its group."""
    around = [with_name(GROUP, str(document["spec"].get("group")))] * (document["kind"] == "Lane")
    declared = [Document(each, Source("test", n)) for n, each in enumerate([document, *around])]
    return [
        finding
        for finding in decode(declared)[1]
        if finding.code in OF_ONE_DOCUMENT and finding.source and finding.source.document == 0
    ]


def with_name(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {**document, "metadata": {"name": name}}


FULL_RULE = {
    "name": "r",
    "hosts": ["*.a.test", "b.test"],
    "uri": {"exact": "/a"},
    "headers": {"x-user": {"regex": "a.*"}},
    "methods": ["GET"],
    "query": {"q": {"prefix": "a"}},
    "destination": {"service": {"name": "a", "namespace": "b"}, "port": 80},
    "online": True,
}
FULL = {
    "LaneGroup": with_spec(
        GROUP,
        gateway="istio-system/ingressgateway",
        mode="permissive",
        traceHeader="x-trace",
        baseline="s1",
        serviceBaselines={"a": "s1"},
        unmatched="notFound",
        sticky={"header": "x-user"},
        ingress=[FULL_RULE],
    ),
    "Lane": with_spec(
        LANE,
        services=["a"],
        ingress=[FULL_RULE],
        fallback=["s1"],
        mode="permissive",
        weight=10,
    ),
}
PLACES = [
    pytest.param(kind, place, id=f"{kind} {'.'.join(map(str, place))}")
    for kind, document in FULL.items()
    for place in places(document["spec"], ("spec",))
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_decoding_and_the_api_server_agree_about_every_value(
    kind: str, place: tuple[Any, ...]
) -> None:
    """With each value of the pool in each place, and with each field left out."""
    for index in range(len(POOL) + 1):
        document = copy.deepcopy(FULL[kind])
        parent = document
        for part in place[:-1]:
            parent = parent[part]
        if index < len(POOL):
            parent[place[-1]] = copy.deepcopy(POOL[index])
        else:
            del parent[place[-1]]
        if isinstance(document.get("spec"), dict):
            assert_agreement(document)


@given(documents())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_decoding_and_the_api_server_agree_about_several_values(document: dict[str, Any]) -> None:
    assert_agreement(document)


def assert_agreement(document: dict[str, Any]) -> None:
    """Each refuses what the other does, less what schemas cannot say and bounds of a cluster."""
    errors = errors_of(document)
    refused = problems(document)
    if refused:
        broken = {e.validator for e in VALIDATORS[document["kind"]].iter_errors(document)}
        assert errors or (broken and broken <= BOUNDS), refused
    else:
        assert [str(e) for e in errors if not is_beyond_schemas(e, document)] == []


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
