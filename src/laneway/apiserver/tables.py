"""Objects as rows, for ``kubectl get``: the columns are those of the CustomResourceDefinitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from laneway.apiserver.resources import Served

_NAME = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": "The name, unique for its kind.",
    "priority": 0,
}
_STEP = re.compile(r"\.(?P<field>\w+)|\[\?\(@\.(?P<key>\w+)==\"(?P<value>\w+)\"\)\]")


def table(
    resource: Served,
    manifests: Iterable[Mapping[str, Any]],
    metadata: Mapping[str, Any],
    now: datetime,
    *,
    headers: bool = True,
    whole: bool = False,
) -> dict[str, Any]:
    """``headers`` adds the column definitions, which only the first table of a watch needs.

    ``whole`` adds the whole objects (``includeObject=Object``) instead of their metadata.
    """
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(metadata),
        "columnDefinitions": [_NAME, *map(_column, resource.columns)] if headers else None,
        "rows": [
            {
                "cells": [manifest["metadata"]["name"], *_cells(resource, manifest, now)],
                "object": manifest if whole else _partial(manifest),
            }
            for manifest in manifests
        ],
    }


def _column(column: Mapping[str, str]) -> dict[str, Any]:
    description = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
    return {
        "name": column["name"],
        "type": column["type"],
        "format": "",
        "description": description,
        "priority": 0,
    }


def _cells(resource: Served, manifest: Mapping[str, Any], now: datetime) -> list[Any]:
    cells = []
    for column in resource.columns:
        value = at(column["jsonPath"], manifest)
        cells.append(age(value, now) if column["type"] == "date" and value else value)
    return cells


def _partial(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": manifest["metadata"],
    }


def at(path: str, value: Any) -> Any:
    """The value at a column's JSONPath, or None if there is none."""
    for step in _STEP.finditer(path):
        if step["field"]:
            value = value.get(step["field"]) if isinstance(value, Mapping) else None
        else:
            items = value if isinstance(value, list) else ()
            value = next((each for each in items if each.get(step["key"]) == step["value"]), None)
    return value


def age(since: str, now: datetime) -> str:
    """The age in kubectl's format: ``59s``, ``5m3s``, ``23h``, ``8d``."""
    seconds = int((now - datetime.fromisoformat(since)).total_seconds())
    if seconds < 0:
        return "<invalid>" if seconds < -1 else "0s"
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first}{unit}{second}{smaller}" if second else f"{first}{unit}"
