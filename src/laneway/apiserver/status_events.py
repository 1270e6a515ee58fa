"""Events (``events.k8s.io/v1``) about statuses that changed. Pure.

They say what the operator's say in a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from laneway.control.revisions import Manifest, Revision, StoredObject
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.model.times import timestamp
from laneway.operator.cluster_port import Note
from laneway.operator.status import Condition, notes

#: Kubernetes' bound on a note.
_LONGEST_NOTE = 1024
_STATUSES = {"True": True, "False": False}


def events_of(
    revision: Revision, before: Mapping[Any, StoredObject | None]
) -> Iterator[dict[str, Any]]:
    """One for each condition that has changed in a way that is worth one."""
    number = 0
    for key, manifest in revision.draft.writes.items():
        stood = before[key]
        if manifest is None or not manifest.get("status"):
            continue
        if stood is not None and stood.manifest.get("status") == manifest["status"]:
            continue
        for note in notes(stood.manifest if stood else {}, _conditions(manifest)):
            yield _event(manifest, note, revision.number, number, revision.at)
            number += 1


def _conditions(manifest: Manifest) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            each["type"], _STATUSES.get(each["status"]), each["reason"], each.get("message", "")
        )
        for each in manifest["status"].get("conditions") or ()
    )


def _event(
    manifest: Manifest, note: Note, revision: int, number: int, at: datetime
) -> dict[str, Any]:
    metadata = manifest["metadata"]
    namespace = metadata.get("namespace", DEFAULT_NAMESPACE)
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{revision:x}.{number}",
            "namespace": namespace,
            "creationTimestamp": timestamp(at),
        },
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": "laneway",
        "reportingInstance": "laneway",
        "action": "Reconcile",
        "reason": note.reason,
        "type": "Warning" if note.warning else "Normal",
        "note": note.text[:_LONGEST_NOTE],
        "regarding": {
            "apiVersion": manifest["apiVersion"],
            "kind": manifest["kind"],
            "name": metadata["name"],
            **({"namespace": metadata["namespace"]} if "namespace" in metadata else {}),
            "uid": metadata.get("uid", ""),
        },
    }
