"""Paths of fields, and Kubernetes' notation of a set of them (``FieldsV1``).

An element of a path is written as in that notation: ``f:NAME`` is a field of an object, and
``k:{"port":80}`` the item of a list that has these keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laneway.apiserver.structure import Place, Structure

FieldPath = tuple[str, ...]

#: Nobody owns the fields that identify the object or that the server fills in.
_UNOWNED = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp",
                "generation", "managedFields", "name", "namespace", "resourceVersion",
                "selfLink", "uid",
            )
        ),
    }
)  # fmt: skip


def fields(manifest: Mapping[str, Any], structure: Structure) -> dict[FieldPath, Any]:
    """Every field of the object that can have an owner, with its value."""
    return {
        path: value
        for path, value in _fields((), (), manifest, structure)
        if path[:1] not in _UNOWNED and path[:2] not in _UNOWNED
    }


def _fields(
    path: FieldPath, place: Place, value: Any, structure: Structure
) -> Iterator[tuple[FieldPath, Any]]:
    if isinstance(value, Mapping) and (value or not path) and place not in structure.atomic:
        for name, part in value.items():
            yield from _fields((*path, f"f:{name}"), (*place, name), part, structure)
    elif isinstance(value, list) and value and structure.is_split(place, value):
        for item in value:
            inner = (*path, item_element(structure.item_keys(place, item) or {}))
            yield inner, None  # its presence; its fields may have other owners
            yield from _fields(inner, (*place, "*"), item, structure)
    else:
        yield path, value


def item_element(keys: Mapping[str, Any]) -> str:
    return "k:" + json.dumps(dict(sorted(keys.items())), separators=(",", ":"))


def written(paths: Iterable[FieldPath]) -> dict[str, Any]:
    """The paths as ``FieldsV1``."""
    found: dict[str, Any] = {}
    for path in sorted(paths):
        inside = found
        for element in path:
            inside = inside.setdefault(element, {})
        if path[-1].startswith("k:"):
            inside["."] = {}
    return found


def read(fields_v1: Mapping[str, Any]) -> frozenset[FieldPath]:
    """The paths that ``FieldsV1`` holds."""
    return frozenset(_read((), fields_v1))


def is_readable(fields_v1: Any) -> bool:
    """Whether this is a set of fields, with elements that ``read`` and ``shown`` understand."""
    return isinstance(fields_v1, Mapping) and all(
        isinstance(name, str) and (name == "." or _is_element(name)) and is_readable(inside)
        for name, inside in fields_v1.items()
    )


def _is_element(name: str) -> bool:
    kind, _, rest = name.partition(":")
    if kind != "k":
        return kind in ("f", "v", "i") and bool(rest)
    try:
        return isinstance(json.loads(rest), dict)
    except ValueError:
        return False


def _read(path: FieldPath, inside: Mapping[str, Any]) -> Iterator[FieldPath]:
    for element, more in inside.items():
        if element == ".":
            if path:
                yield path
        elif more:
            yield from _read((*path, element), more)
        else:
            yield (*path, element)


def shown(path: FieldPath) -> str:
    """The path in kubectl's notation: ``.spec.ports[port=80].name``."""
    text = ""
    for element in path:
        kind, _, name = element.partition(":")
        if kind == "k":
            keys = (f"{key}={json.dumps(value)}" for key, value in json.loads(name).items())
            text += f"[{','.join(keys)}]"
        else:
            text += f".{name}"
    return text
