"""Change sets in a cluster, where objects are written one by one. Pure.

Kubernetes has no write of many objects. So each object is tried first, and nothing is written if
the API server would refuse one. Then the objects are written in order, until one fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import Resource, by_kind, served
from laneway.apiserver.whole_writes import WholeWrite
from laneway.control.revisions import Manifest, ObjectId, Objects
from laneway.model.findings import Path
from laneway.model.names import DEFAULT_NAMESPACE, is_label
from laneway.schema.api_requests import ProposedChanges

#: What a change set may write in a cluster, and what a preview may suppose.
WRITTEN = ("LaneGroup", "Lane")
PREVIEWED = (*WRITTEN, "Service", "Gateway")
#: Each is asked about, tried and written, within the minute that an API server waits.
MOST_OBJECTS = 500
#: The reason of a cause: the kind is to be written by other means.
NOT_WRITTEN_HERE = "NotWrittenByChangeSets"
#: Lanes are deleted before the groups that they belong to.
_DELETION = ("lanes.laneway.dev", "lanegroups.laneway.dev")


def resources_of(kinds: Collection[str]) -> tuple[Resource, ...]:
    return tuple(each for each in served() if each.kind.name in kinds)


def check_kinds(spec: ProposedChanges) -> None:
    """Raises ``Failure`` for a kind that laneway reads, and does not write in a cluster."""
    elsewhere = {resource.kind.name for resource in served()} - set(WRITTEN)
    found = [
        (f"spec.objects[{index}]", body.get("kind")) for index, body in enumerate(spec.objects)
    ] + [(f"spec.deletions[{index}]", each.kind) for index, each in enumerate(spec.deletions)]
    if wrong := [(path, kind) for path, kind in found if kind in elsewhere]:
        why = f"in a cluster, a ChangeSet writes {' and '.join(WRITTEN)} alone"
        listed = "; ".join(f"{path}: it is a {kind}" for path, kind in wrong[:10])
        raise Failure(
            422,
            f"ChangeSet is refused, and nothing was changed: {listed}; {why}: use kubectl for the "
            "rest",
            causes=[{"reason": NOT_WRITTEN_HERE, "message": why, "field": p} for p, _ in wrong],
        )


def check_size(kind: str, spec: ProposedChanges) -> None:
    """Raises ``Failure`` for a request that Kubernetes would end before it is answered."""
    number = len(spec.objects) + len(spec.deletions)
    if number > MOST_OBJECTS:
        raise Failure(
            422,
            f"{kind} is refused, and nothing was changed: it names {number} objects, and a cluster "
            f"takes {MOST_OBJECTS} at a time",
        )


@dataclass(frozen=True, slots=True)
class Step:
    """``body`` is what is applied; None deletes. ``before`` is the object as it stands."""

    key: ObjectId
    path: Path
    body: Manifest | None
    before: Manifest | None

    @property
    def verbs(self) -> tuple[str, ...]:
        """What Kubernetes asks of who does it."""
        if self.body is None:
            return ("delete",)
        return ("patch",) if self.before is not None else ("create", "patch")


def requested(
    spec: ProposedChanges, objects: Objects, resources: Collection[Resource]
) -> Iterator[Step]:
    """What the request names, as far as it is well-formed, in its order.

    The names become parts of URLs, so what is no name in Kubernetes is left out.
    """
    kinds = by_kind(resources)

    def step(
        path: Path, api_version: Any, kind: Any, name: Any, namespace: Any, body: Manifest | None
    ) -> Iterator[Step]:
        resource = kinds.get((str(api_version), str(kind)))
        where = str(namespace or DEFAULT_NAMESPACE) if resource and resource.namespaced else ""
        if resource and isinstance(name, str) and _is_name(name) and (not where or is_label(where)):
            key = ObjectId(resource.qualified, where, name)
            stored = objects.get(key)
            yield Step(key, path, body, stored.manifest if stored else None)

    for index, body in enumerate(spec.objects):
        given = body.get("metadata")
        metadata: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        named = metadata.get("name"), metadata.get("namespace")
        path: Path = ("spec", "objects", index)
        yield from step(path, body.get("apiVersion"), body.get("kind"), *named, body)
    for index, each in enumerate(spec.deletions):
        path = ("spec", "deletions", index)
        yield from step(path, each.api_version, each.kind, each.name, each.namespace, None)


def _is_name(text: str) -> bool:
    return len(text) <= 253 and all(map(is_label, text.split(".")))


def pruned(write: WholeWrite, objects: Objects) -> Iterator[Step]:
    """Deletions that the request does not name."""
    for key, manifest in write.writes.items():
        if manifest is None and key not in write.concerned:
            yield Step(key, ("spec", "prune"), None, objects[key].manifest)


def ordered(steps: Collection[Step]) -> list[Step]:
    """Objects in the order of the request, then deletions, lanes before groups."""
    applied = [each for each in steps if each.body is not None]
    deleted = [each for each in steps if each.body is None]
    return applied + sorted(deleted, key=lambda each: _DELETION.index(each.key.resource))


def operation(step: Step, tried: Manifest | None) -> str:
    """``tried`` is the object as it would be."""
    if tried is None:
        return "deleted"
    if step.before is None:
        return "created"
    return "unchanged" if _content(step.before) == _content(tried) else "configured"


def _content(manifest: Manifest) -> dict[str, Any]:
    """What is declared, and who owns it; times of ownership change without a change."""
    kept = {k: v for k, v in manifest.items() if k not in ("metadata", "status")}
    metadata = {
        k: v
        for k, v in manifest["metadata"].items()
        if k not in ("resourceVersion", "generation", "managedFields")
    }
    owners = [
        {k: v for k, v in each.items() if k != "time"}
        for each in manifest["metadata"].get("managedFields") or ()
        if each.get("subresource", "") != "status"
    ]
    owners.sort(key=lambda each: (each.get("manager", ""), each.get("operation", "")))
    return {**kept, "metadata": metadata, "owners": owners}


def report(key: ObjectId, done: str) -> dict[str, Any]:
    """As in the answer to a change set elsewhere."""
    namespace = {"namespace": key.namespace} if key.namespace else {}
    return {"resource": key.resource, **namespace, "name": key.name, "operation": done}


def written_in_part(
    done: Sequence[Mapping[str, Any]], failed: Step, reason: str, rest: Sequence[Step], code: int
) -> Failure:
    """The refusal of a change set of which some objects stand already."""
    written = ", ".join(_named(each) for each in done if each["operation"] != "unchanged")
    missing = ", ".join(str(each.key) for each in rest)
    return Failure(
        code,
        f"ChangeSet was written in part, since a cluster writes object by object; written: "
        f"{written or 'nothing'}; failed: {failed.key}: {reason}"
        + (f"; not written: {missing}" if missing else ""),
        details={
            "atomic": False,
            "written": list(done),
            "failed": report(failed.key, "failed"),
            "notWritten": [report(each.key, "notWritten") for each in rest],
        },
    )


def _named(entry: Mapping[str, Any]) -> str:
    key = ObjectId(entry["resource"], entry.get("namespace", ""), entry["name"])
    return f"{key} ({entry['operation']})"
