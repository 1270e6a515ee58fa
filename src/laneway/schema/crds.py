"""CustomResourceDefinitions of laneway's own kinds: what a cluster's API server knows of them.

The schemas, with their rules in CEL, are made of the kinds' own shapes, so that most mistakes are
refused when they are made. What concerns several objects stands in the condition Accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laneway.schema.fields import Shape
from laneway.schema.json_schema import STRUCTURAL, JsonSchema, field_schema, structural
from laneway.schema.laneway import LaneGroupObject, LaneObject
from laneway.schema.statuses import LaneGroupStatus, LaneStatus

GROUP = "laneway.dev"
VERSION = "v1alpha1"


def custom_resource_definitions() -> Iterator[dict[str, Any]]:
    """``LaneGroup`` and ``Lane``, which belong to no namespace: their services may be of many."""
    columns = [
        _column("Mode", "string", ".spec.mode"),
        _column("Route header", "string", ".spec.routeHeader"),
        _column("Baseline", "string", ".status.baseline"),
        *_condition_columns(),
    ]
    yield _definition("LaneGroup", "lanegroups", LaneGroupObject, LaneGroupStatus, columns)
    columns = [
        _column("Group", "string", ".spec.group"),
        _column("Weight", "integer", ".spec.weight"),
        *_condition_columns(),
    ]
    yield _definition("Lane", "lanes", LaneObject, LaneStatus, columns)


def _definition(
    kind: str,
    plural: str,
    shape: type[Shape],
    status: type[Shape],
    columns: list[JsonSchema],
) -> dict[str, Any]:
    # Kubernetes itself asks of every name the rest of what makes a label.
    named = {
        "rule": "!self.metadata.name.contains('.') && self.metadata.name.size() <= 63",
        "message": "the name must be at most 63 of a-z, 0-9 and -: lanes travel by name in headers",
    }
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": field_schema(shape.model_fields["spec"], STRUCTURAL),
            "status": {
                "description": "What laneway's operator has made of it.",
                **structural(status),
            },
        },
        "x-kubernetes-validations": [named],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "laneway"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "categories": ["laneway"],
            },
            "scope": "Cluster",
            "versions": [version],
        },
    }


def _column(name: str, kind: str, path: str) -> JsonSchema:
    return {"name": name, "type": kind, "jsonPath": path}


def _condition_columns() -> list[JsonSchema]:
    conditions = [
        _column(name, "string", f'.status.conditions[?(@.type=="{name}")].status')
        for name in ("Accepted", "Programmed", "Ready")
    ]
    return [*conditions, _column("Age", "date", ".metadata.creationTimestamp")]
