"""Validates what users write into an object's metadata: labels, annotations, and their like.

The rules are those of Kubernetes, whose API server refuses the same objects:
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.schema.fields import LABEL_KEY, LABEL_VALUE

#: Those that users write, and those that the server fills in.
USER_FIELDS = (
    "name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences",
)  # fmt: skip
SERVER_FIELDS = (
    "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "deletionGracePeriodSeconds", "selfLink", "managedFields",
)  # fmt: skip
_OWNER = ("apiVersion", "kind", "name", "uid")
#: Of all annotations of an object together, keys and values.
_MOST_ANNOTATIONS = 256 * 1024
_KEY_RULE = (
    "use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or "
    "digit; a DNS name and `/` may stand before them"
)
_VALUE_RULE = (
    "use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"
)


def metadata_findings(metadata: Mapping[str, Any]) -> Iterator[Finding]:
    """Unknown fields, and what is wrong with values of the right types."""
    for name in metadata:
        if name not in (*USER_FIELDS, *SERVER_FIELDS):
            message = f"the field `{name}` is not one of metadata"
            yield Finding(Code.UNKNOWN_FIELD, message, path=("metadata", name))
    for number, owner in enumerate(metadata.get("ownerReferences") or ()):
        for field in _OWNER:
            if not isinstance(owner, Mapping) or not owner.get(field):
                path: Path = ("metadata", "ownerReferences", number, field)
                yield _wrong(path, f"the field `{field}` is missing", f"give {', '.join(_OWNER)}")
    for key, value in _texts(metadata.get("labels")):
        if not LABEL_KEY.fullmatch(key):
            yield _wrong(("metadata", "labels"), f"`{key}` is no key of a label", _KEY_RULE)
        if not LABEL_VALUE.fullmatch(value):
            message = f"`{value}` is no value of a label ({key})"
            yield _wrong(("metadata", "labels"), message, _VALUE_RULE)
    annotations = dict(_texts(metadata.get("annotations")))
    for key in annotations:
        if not LABEL_KEY.fullmatch(key.lower()):
            yield _wrong(
                ("metadata", "annotations"), f"`{key}` is no key of an annotation", _KEY_RULE
            )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > _MOST_ANNOTATIONS:
        message = f"annotations of {size} bytes are too long"
        yield _wrong(("metadata", "annotations"), message, f"at most {_MOST_ANNOTATIONS} may be")
    for number, name in enumerate(metadata.get("finalizers") or ()):
        if not isinstance(name, str) or not LABEL_KEY.fullmatch(name):
            path = ("metadata", "finalizers", number)
            yield _wrong(path, f"`{name}` is no name of a finalizer", _KEY_RULE)


def _texts(found: Any) -> Iterator[tuple[str, str]]:
    """Pairs of texts; other types are errors of the schema."""
    if isinstance(found, Mapping):
        for key, value in found.items():
            if isinstance(key, str) and isinstance(value, str):
                yield key, value


def _wrong(path: Path, message: str, fix: str) -> Finding:
    return Finding(Code.INVALID_VALUE, message, fix, path=path)
