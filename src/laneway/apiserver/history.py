"""Revisions as objects: who changed what, when and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laneway.apiserver.rollbacks import declared_part
from laneway.control.revisions import Draft, Objects, Revision
from laneway.model.findings import Path, field_text
from laneway.model.times import timestamp
from laneway.schema.api_requests import API_VERSION

_OPERATIONS = ("created", "changed", "deleted")


def shown(revision: Revision, before: Objects, *, whole: bool) -> dict[str, Any]:
    """The revision as an object. ``before`` has the objects as of the previous revision; ``whole``
    adds the changed fields and their values."""
    changes = list(_changes(revision.draft, before, whole=whole))
    counts = {each: sum(c["operation"] == each for c in changes) for each in _OPERATIONS}
    summary = ", ".join(f"{count} {each}" for each, count in counts.items() if count)
    return {
        "apiVersion": API_VERSION,
        "kind": "Revision",
        "metadata": {
            "name": str(revision.number),
            "creationTimestamp": timestamp(revision.at),
        },
        "spec": {
            "author": revision.draft.principal,
            "source": revision.draft.source,
            "message": revision.draft.reason,
        },
        "status": {"summary": summary, "changes": changes},
    }


def _changes(draft: Draft, before: Objects, *, whole: bool) -> Iterator[dict[str, Any]]:
    for key, manifest in draft.writes.items():
        stored = before.get(key)
        old = declared_part(stored.manifest) if stored else None
        new = declared_part(manifest) if manifest is not None else None
        if old == new:
            continue  # only a status, or the owner of a field
        change: dict[str, Any] = {
            "operation": "created" if old is None else "deleted" if new is None else "changed",
            "resource": key.resource,
            **({"namespace": key.namespace} if key.namespace else {}),
            "name": key.name,
        }
        if whole:
            change["fields"] = [
                {"field": field_text(path), "before": was, "after": now}
                for path, was, now in differences(old or {}, new or {})
            ]
        yield change


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """The shortest paths to the differences, with both values; None stands for an absent value.

    Items of lists of one length are compared one by one.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from differences(before.get(name), after.get(name), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, (*path, index))
    elif before != after:
        yield path, before, after


def is_shown(revision: Revision, status_writer: str, status_reason: str) -> bool:
    """Revisions that write only statuses are left out of the history."""
    draft = revision.draft
    own = (status_writer, status_writer, status_reason)
    return (draft.principal, draft.source, draft.reason) != own
