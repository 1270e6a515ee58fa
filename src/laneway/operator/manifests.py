"""Manifests: Kubernetes objects as plain data, and how laneway tells its own from others'.

What ``compile`` emits is *sealed* before it is applied: labelled as laneway's, and annotated with a
digest of its content. So an object in the cluster says by itself which emission it came from, and
a restarted operator finds that nothing is to be done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laneway.compile.ownership import GROUP, GROUPS, MANAGED_BY, OWNER, labels

Manifest = Mapping[str, Any]

#: The digest of what was emitted.
CONTENT = "laneway.dev/content"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """An object's identity among the kinds that laneway deals with."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}".replace(" /", " ")


def key_of(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return Key(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


def is_applied(manifest: Manifest) -> bool:
    """Whether an operator put it there. One that is owned and was not, a user has rendered and
    applied: it is taken over where it is wanted, and never deleted."""
    return CONTENT in (manifest["metadata"].get("annotations") or {})


def group_of(manifest: Manifest) -> str:
    return labels(manifest).get(GROUP, "")


def groups_of(manifest: Manifest) -> frozenset[str]:
    annotations = manifest["metadata"].get("annotations") or {}
    several = annotations.get(GROUPS)
    return frozenset(several.split(",") if several else [group_of(manifest)]) - {""}


def with_groups(manifest: Manifest, groups: frozenset[str]) -> Manifest:
    """The manifest, said to be of these groups, too."""
    every = groups | groups_of(manifest)
    if every == groups_of(manifest):
        return manifest
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), GROUPS: ",".join(sorted(every))}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def digest(manifest: Manifest) -> str:
    """Over all but the digest itself; the order of a mapping's keys has no say."""
    metadata = dict(manifest["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop(CONTENT, None)
    metadata["annotations"] = annotations
    text = json.dumps({**manifest, "metadata": metadata}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def seal(manifest: Manifest) -> Manifest:
    """The manifest, labelled as laneway's and annotated with its digest."""
    metadata = manifest["metadata"]
    owned = {
        **manifest,
        "metadata": {**metadata, "labels": {**labels(manifest), MANAGED_BY: OWNER}},
    }
    annotations = {**(metadata.get("annotations") or {}), CONTENT: digest(owned)}
    return {**owned, "metadata": {**owned["metadata"], "annotations": annotations}}


def is_current(existing: Manifest, sealed: Manifest) -> bool:
    """Whether ``sealed`` was applied, and nobody has changed since what it says.

    The digest tells of fields that are no longer emitted; the comparison, of drift.
    """
    annotations = existing["metadata"].get("annotations") or {}
    return annotations.get(CONTENT) == sealed["metadata"]["annotations"][CONTENT] and is_within(
        sealed, existing
    )


def is_within(wanted: Any, existing: Any) -> bool:
    """Whether all that is wanted is there. Others may add fields, but no items to lists."""
    if isinstance(wanted, Mapping):
        return isinstance(existing, Mapping) and all(
            key in existing and is_within(value, existing[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(existing, list)
            and len(existing) == len(wanted)
            and all(map(is_within, wanted, existing))
        )
    return bool(existing == wanted)
