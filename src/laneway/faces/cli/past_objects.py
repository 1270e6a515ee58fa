"""The objects as of a revision, and what differs between two revisions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from laneway.apiserver.resources import Resource
from laneway.control.revisions import ObjectId
from laneway.faces.cli import object_requests
from laneway.faces.cli.object_differences import difference
from laneway.faces.cli.resource_words import ObjectReference, reference_of
from laneway.faces.cli.server_requests import Server

Objects = Mapping[ObjectId, Mapping[str, Any]]


def objects_at(server: Server, resources: Collection[Resource], revision: int | None) -> Objects:
    """All objects of the resources; None is now, and 0 is before the first revision.

    Raises ``ServerError``, also for a revision that is not kept any more.
    """
    if revision == 0:
        return {}
    found = {}
    for resource in resources:
        everywhere = ObjectReference(resource, "")
        for manifest in object_requests.find(server, everywhere, revision=revision):
            metadata = manifest["metadata"]
            where = metadata.get("namespace", "")
            found[ObjectId(resource.qualified, where, metadata["name"])] = manifest
    return found


def differences(before: Objects, after: Objects, old: str, new: str) -> Iterator[str]:
    """Object by object, as one unified diff; ``old`` and ``new`` name the two states."""
    for key in dict.fromkeys([*before, *after]):
        each = reference_of(key)
        name = f"{each.namespace}/{each}" if each.namespace else str(each)
        yield from difference(before.get(key), after.get(key), f"{name} ({old})", f"{name} ({new})")
