"""Events for changed status conditions. Pure.

It is what the operator tells in a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laneway.apiserver.event_log import Occurrence, Regarding
from laneway.control.revisions import Manifest, Revision, StoredObject
from laneway.operator.status import Condition, notes

_STATUSES = {"True": True, "False": False}


def occurrences(
    revision: Revision, before: Mapping[Any, StoredObject | None]
) -> Iterator[Occurrence]:
    """One event for each condition whose change users should see."""
    for key, manifest in revision.draft.writes.items():
        stood = before[key]
        if manifest is None or not manifest.get("status"):
            continue
        if stood is not None and stood.manifest.get("status") == manifest["status"]:
            continue
        for note in notes(stood.manifest if stood else {}, _conditions(manifest)):
            yield Occurrence(regarding(manifest), note.reason, note.text, note.warning)


def regarding(manifest: Manifest) -> Regarding:
    metadata = manifest["metadata"]
    return Regarding(
        manifest["apiVersion"],
        manifest["kind"],
        metadata.get("namespace", ""),
        metadata["name"],
        metadata.get("uid", ""),
    )


def _conditions(manifest: Manifest) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            each["type"], _STATUSES.get(each["status"]), each["reason"], each.get("message", "")
        )
        for each in manifest["status"].get("conditions") or ()
    )
