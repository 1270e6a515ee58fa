"""Applies JSON patches, merge patches and strategic merge patches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch

from laneway.apiserver.failures import Failure
from laneway.apiserver.structure import MOST_DEPTH, Place, Structure, copied, is_deeper

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

#: Kubernetes' limits. An object that is copied into itself doubles, so few operations suffice to
#: fill the memory.
_MOST_OPERATIONS = 10_000
_MOST_COPIED = 3 * 1024 * 1024
_DELETE = "$patch"


def patched(kind: str, live: Mapping[str, Any], patch: Any, structure: Structure) -> dict[str, Any]:
    """The object with the patch of this content type. Raises ``Failure``."""
    if kind == JSON:
        return _json_patched(live, patch)
    if not isinstance(patch, Mapping):
        raise Failure(400, "the patch is not an object")
    if kind == STRATEGIC:
        return _strategic(copied(live), patch, structure, ())  # type: ignore[no-any-return]
    merged = _merged(copied(live), patch)
    assert isinstance(merged, dict)
    return merged


def _merged(live: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return copied(patch)
    result = live if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _strategic(live: Any, patch: Any, structure: Structure, place: Place) -> Any:
    """Like a merge patch, except that lists whose items have keys are merged by item."""
    if isinstance(patch, Mapping):
        result = live if isinstance(live, dict) else {}
        for name, value in patch.items():
            if name.startswith("$"):
                continue  # the order of items has no meaning in these lists
            if value is None:
                result.pop(name, None)
            else:
                result[name] = _strategic(result.get(name), value, structure, (*place, name))
        return result
    keys = structure.keyed.get(place)
    if keys is None or not isinstance(patch, list):
        return copied(patch)
    # Kubernetes merges a Service's ports by the first of their keys.
    return _strategic_items(live or [], patch, structure, place, next(iter(keys)))


def _strategic_items(
    live: Sequence[Any], patch: Sequence[Any], structure: Structure, place: Place, key: str
) -> list[Any]:
    items = {item.get(key): item for item in live}
    for item in patch:
        if not isinstance(item, Mapping) or not isinstance(item.get(key), str | int):
            raise Failure(400, f"an item of {'.'.join(place)} in the patch has no {key}")
        if item.get(_DELETE) == "delete":
            items.pop(item[key], None)
        elif item.get(_DELETE) == "replace":
            items[item[key]] = {k: v for k, v in item.items() if k != _DELETE}
        else:
            items[item[key]] = _strategic(items.get(item[key]), item, structure, (*place, "*"))
    return list(items.values())


def _json_patched(live: Mapping[str, Any], operations: Any) -> dict[str, Any]:
    """RFC 6902."""
    if not isinstance(operations, list) or len(operations) > _MOST_OPERATIONS:
        raise Failure(400, f"a JSON patch is a list of at most {_MOST_OPERATIONS} operations")
    try:
        document = _after(jsonpatch.JsonPatch(operations), copied(live))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise Failure(422, f"the patch cannot be applied: {error}") from error
    except RecursionError as error:
        raise _too_deep() from error
    if not isinstance(document, dict):
        raise Failure(422, "the patch leaves no object")
    if is_deeper(document, MOST_DEPTH):
        raise _too_deep()
    return document


def _after(operations: jsonpatch.JsonPatch, document: Any) -> Any:
    """The document, changed in place. Each operation is looked at before it is carried out."""
    copied_bytes = 0
    for operation in operations:
        source = operation.get("from")
        if operation["op"] == "copy" and isinstance(source, str):
            value = jsonpatch.JsonPointer(source).resolve(document)
            copied_bytes += len(json.dumps(value, default=repr))
        if copied_bytes > _MOST_COPIED:
            raise Failure(413, f"the patch copies more than {_MOST_COPIED} bytes within the object")
        document = jsonpatch.apply_patch(document, [operation], in_place=True)
    return document


def _too_deep() -> Failure:
    return Failure(422, f"the patch nests the object more deeply than {MOST_DEPTH} levels")
