"""The schemas of the examples' kinds, made strict: a field that they do not have is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from tests.compile.istio import validation
from tests.compile.istio.validation import strict
from tests.schema import test_crds

SCHEMAS = Path(__file__).with_name("schemas")


def problems(document: Mapping[str, Any]) -> list[str]:
    """What the API server would not take, or would drop."""
    group, _, version = str(document["apiVersion"]).rpartition("/")
    kind = str(document["kind"])
    if group == "laneway.dev":
        return test_crds.problems(document)
    if group.endswith("istio.io"):
        metadata = {"labels": {}, **document["metadata"]}
        return validation.problems({**document, "metadata": metadata})
    if "." in group and not group.endswith(".k8s.io"):
        return errors(_custom(f"{kind}.{version}.{group}"), document)
    return errors(built_in(kind), document)


def errors(validator: Draft202012Validator, document: object) -> list[str]:
    return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(document)]


@cache
def _custom(name: str) -> Draft202012Validator:
    return Draft202012Validator(strict(json.loads((SCHEMAS / f"{name}.json").read_text())))


@cache
def built_in(kind: str) -> Draft202012Validator:
    """Of a kind of Kubernetes' own, or of ``PodTemplateSpec``."""
    data = json.loads((SCHEMAS / "kubernetes.json").read_text())
    definitions = {name: strict(schema) for name, schema in data["$defs"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{data['kinds'][kind]}", "$defs": definitions})
