"""Istio's own schemas, made strict: a field that they do not have is an error, not dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from laneway.model.names import is_label

_API_VERSIONS = {
    "DestinationRule": "networking.istio.io/v1",
    "EnvoyFilter": "networking.istio.io/v1alpha3",
    "Gateway": "networking.istio.io/v1",
    "VirtualService": "networking.istio.io/v1",
}
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)


def problems(document: Mapping[str, Any]) -> list[str]:
    """What the API server would not take, or would drop."""
    kind = document["kind"]
    found = [f"{e.json_path}: {e.message}" for e in _validator(kind).iter_errors(document["spec"])]
    if document["apiVersion"] != _API_VERSIONS[kind]:
        found.append(f"apiVersion: {document['apiVersion']}")
    name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
    if not (all(map(is_label, name.split("."))) and len(name) <= 253 and is_label(namespace)):
        found.append(f"metadata: the name {namespace}/{name}")
    values = document["metadata"]["labels"].values()
    found += [f"metadata: the label {v}" for v in values if not _LABEL_VALUE.fullmatch(v)]
    return found


@cache
def _validator(kind: str) -> Draft202012Validator:
    path = Path(__file__).with_name("schemas") / f"{kind}.json"
    return Draft202012Validator(strict(json.loads(path.read_text(encoding="utf-8"))))


def strict(schema: Any) -> Any:
    """Closed objects; ``nullable`` as JSON Schema says it."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: {name: strict(field) for name, field in value.items()}
        if key == "properties"
        else strict(value)
        for key, value in schema.items()
    }
    is_open = closed.get("x-kubernetes-preserve-unknown-fields")
    if closed.get("type") == "object" and "properties" in closed and not is_open:
        closed["additionalProperties"] = False
    if closed.get("nullable") and "type" in closed:
        closed["type"] = [closed["type"], "null"]
    return closed
