"""What an API server with Gateway API's CRDs says: schemas, validation rules, and what it adds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from laneway.model.names import is_label

try:
    cel: Any = import_module("cel_expr_python.cel")
except ImportError:  # It has no wheel for some machines.
    cel = None

_API_VERSIONS = {
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "ReferenceGrant": "gateway.networking.k8s.io/v1beta1",
    "Service": "v1",
}
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
Schema = Mapping[str, Any]


def problems(document: Mapping[str, Any]) -> list[str]:
    """What it would not take, or would drop, or would add to."""
    kind, spec = document["kind"], document["spec"]
    found = list(_metadata(document))
    if kind == "Service":
        return [*found, *_service(document)]
    found += [f"{error.json_path}: {error.message}" for error in _validator(kind).iter_errors(spec)]
    found += _added(_schema(kind), spec, "spec")
    return found or list(_broken_rules(_schema(kind), spec))


def _metadata(document: Mapping[str, Any]) -> Iterator[str]:
    kind, metadata = document["kind"], document["metadata"]
    if document["apiVersion"] != _API_VERSIONS[kind]:
        yield f"apiVersion: {document['apiVersion']}"
    name, namespace = metadata["name"], metadata["namespace"]
    legal = is_label(name) if kind == "Service" else _SUBDOMAIN.fullmatch(name)
    if not (legal and len(name) <= 253 and is_label(namespace)):
        yield f"metadata: the name {namespace}/{name}"
    values = metadata["labels"].values()
    yield from (f"metadata: the label {v}" for v in values if not _LABEL_VALUE.fullmatch(v))


def _service(document: Mapping[str, Any]) -> Iterator[str]:
    """Kubernetes' own validation, as far as it concerns the fields that are set."""
    spec = document["spec"]
    if not spec.keys() <= {"ports", "selector"}:
        yield f"spec: the fields {sorted(spec)}"
    fields = {"name", "appProtocol", "port", "protocol", "targetPort"}
    ports = spec["ports"]
    for port in ports:
        if not port.keys() <= fields or not {"port", "protocol", "targetPort"} <= port.keys():
            yield f"spec.ports: the fields {sorted(port)}"
    names = [port.get("name") for port in ports]
    if len(ports) > 1 and (None in names or len(set(names)) < len(names)):
        yield f"spec.ports: the names {names}"


def _broken_rules(schema: Schema, value: Any) -> Iterator[str]:
    if cel is None:
        return
    for rule in schema.get("x-kubernetes-validations", ()):
        if not _evaluate(rule["rule"], value):
            yield rule["message"]
    if isinstance(value, Mapping):
        for name, field in value.items():
            yield from _broken_rules(schema.get("properties", {}).get(name, {}), field)
    if isinstance(value, list):
        for item in value:
            yield from _broken_rules(schema.get("items", {}), item)


def _evaluate(rule: str, value: Any) -> bool:
    result = _compiled(rule).eval(data={"self": value}).plain_value()
    assert isinstance(result, bool), result
    return result


@cache
def _compiled(rule: str) -> Any:
    return cel.NewEnv(variables={"self": cel.Type.DYN}).compile(rule)


def _added(schema: Schema, value: Any, path: str) -> Iterator[str]:
    """Fields that have a default and are not there."""
    if isinstance(value, Mapping):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from _added(inner, value[name], f"{path}.{name}")
            elif "default" in inner:
                yield f"{path}: the API server would add {name}"
    if isinstance(value, list):
        for item in value:
            yield from _added(schema.get("items", {}), item, f"{path}[]")


@cache
def _schema(kind: str) -> Any:
    path = Path(__file__).with_name("schemas") / f"{kind}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(_closed(_schema(kind)))


def _closed(schema: Any) -> Any:
    """A field that is not there is an error, not dropped."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: {name: _closed(field) for name, field in value.items()}
        if key == "properties"
        else _closed(value)
        for key, value in schema.items()
    }
    if "properties" in schema:
        closed["additionalProperties"] = False
    return closed
