"""The labels and annotations by which laneway recognizes the objects that it generated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

MANAGED_BY = "app.kubernetes.io/managed-by"
OWNER = "laneway"
#: The label with the lane group that an object was generated for.
GROUP = "laneway.dev/group"
#: The annotation with all of them, separated by commas, if there are several.
GROUPS = "laneway.dev/groups"


def owned_metadata(
    namespace: str, name: str, group: str, groups: Collection[str] = ()
) -> dict[str, Any]:
    """``groups`` are all lane groups of the object, if ``group`` is not the only one."""
    metadata: dict[str, Any] = {
        "labels": {MANAGED_BY: OWNER, GROUP: group},
        "name": name,
        "namespace": namespace,
    }
    if len(groups) > 1:
        metadata["annotations"] = {GROUPS: ",".join(sorted(groups))}
    return metadata


def labels(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    return manifest["metadata"].get("labels") or {}


def is_owned(manifest: Mapping[str, Any]) -> bool:
    """Whether laneway generated the object, and so may change or delete it."""
    return labels(manifest).get(MANAGED_BY) == OWNER
