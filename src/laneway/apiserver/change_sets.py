"""Change sets: the objects of one source, applied together. Pure.

A source is a field manager: each object is applied as by Kubernetes' server-side apply, so a source
owns the fields that it declares. With ``prune``, objects that the source applied before and no
longer declares are deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from laneway.apiserver import field_ownership, writes
from laneway.apiserver.failures import Failure
from laneway.apiserver.patches import APPLY
from laneway.apiserver.resources import Resource, by_kind
from laneway.apiserver.whole_writes import (
    FIELD_CONFLICT,
    Author,
    Problem,
    WholeWrite,
    problems_of,
    refusal,
    subject_of,
)
from laneway.control.revisions import Manifest, ObjectId, Objects
from laneway.model.findings import ObjectKey, Path, Severity, Source
from laneway.model.names import DEFAULT_NAMESPACE
from laneway.schema import Document
from laneway.schema.api_requests import ObjectReference, ProposedChanges
from laneway.schema.registry import kind_of


def composed(
    kind: str,
    spec: ProposedChanges,
    objects: Objects,
    author: Author,
    resources: Collection[Resource],
) -> WholeWrite:
    """The writes that the change set makes on ``objects``. Raises ``Failure``, with all problems.

    ``kind`` is the request's name in messages; the author's manager is the source.
    """
    composition = _Composition(spec, objects, author, resources)
    for index, body in enumerate(spec.objects):
        composition.apply(("spec", "objects", index), body)
    for index, reference in enumerate(spec.deletions):
        composition.delete(("spec", "deletions", index), reference)
    if spec.prune:
        composition.prune()
    if composition.problems:
        raise refusal(kind, composition.problems)
    return WholeWrite(
        composition.writes,
        tuple(composition.warnings),
        composition.places,
        tuple(composition.seen),
    )


def applied_by(manifest: Manifest) -> frozenset[str]:
    """The names of the sources that own fields of the object. Whoever reports its status, as the
    operator does in a cluster, declares nothing."""
    owners = field_ownership.owners_of(manifest)
    return frozenset(
        m.name for m in owners if m.operation == field_ownership.APPLY and not m.subresource
    )


class _Composition:
    def __init__(
        self,
        spec: ProposedChanges,
        objects: Objects,
        author: Author,
        resources: Collection[Resource],
    ) -> None:
        self._spec = spec
        self._objects = objects
        self._author = author
        self._by_kind = by_kind(resources)
        self._resources = {resource.qualified: resource for resource in resources}
        self.writes: dict[ObjectId, Manifest | None] = {}
        self.seen: dict[ObjectId, Path] = {}
        self.places: dict[ObjectKey, Path] = {}
        self.warnings: list[str] = []
        self.problems: list[Problem] = []

    def apply(self, path: Path, body: Mapping[str, Any]) -> None:
        resource = self._resource(path, body)
        if resource is None:
            return
        metadata = body.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        if not isinstance(metadata, Mapping) or not isinstance(name, str) or not name:
            message = f"this {resource.kind.name} has no name"
            self._problem((*path, "metadata", "name"), "FieldValueRequired", message)
            return
        namespace = str(metadata.get("namespace") or DEFAULT_NAMESPACE)
        key = ObjectId(resource.qualified, namespace if resource.namespaced else "", name)
        if not self._first(path, key):
            return
        live = self._objects.get(key)
        write = self._author.write(resource, key.namespace, name)
        body = {**body, "apiVersion": write.api_version}
        try:
            valid = writes.patch(write, live, APPLY, body)
        except Failure as failure:
            subject = str(subject_of(resource, body))
            self.problems += problems_of(failure, path, subject)
            return
        self.places[subject_of(resource, valid.manifest)] = path
        self.warnings += valid.warnings
        if live is None or live.manifest != valid.manifest:
            self.writes[key] = valid.manifest

    def delete(self, path: Path, reference: ObjectReference) -> None:
        body = {"apiVersion": reference.api_version, "kind": reference.kind}
        resource = self._resource(path, body)
        if resource is None:
            return
        namespace = reference.namespace or DEFAULT_NAMESPACE
        key = ObjectId(resource.qualified, namespace if resource.namespaced else "", reference.name)
        if not self._first(path, key):
            return
        if key not in self._objects:
            self._problem(path, "NotFound", f"there is no {reference.kind} {reference.name}")
            return
        self._remove(path, key)

    def prune(self) -> None:
        for key, stored in self._objects.items():
            if key not in self.seen and self._author.manager in applied_by(stored.manifest):
                self._remove(("spec", "prune"), key)

    def _remove(self, path: Path, key: ObjectId) -> None:
        manifest = self._objects[key].manifest
        others = sorted(applied_by(manifest) - {self._author.manager})
        if others and not self._author.force:
            subject = subject_of(self._resources[key.resource], manifest)
            message = f'{subject} cannot be deleted: "{", ".join(others)}" applies it, too'
            self._problem(path, FIELD_CONFLICT, message, owner=True)
            return
        self.writes[key] = None

    def _resource(self, path: Path, body: Mapping[str, Any]) -> Resource | None:
        api_version, kind = body.get("apiVersion"), body.get("kind")
        if isinstance(api_version, str) and isinstance(kind, str):
            known = self._by_kind.get((api_version, kind))
            if known is not None:
                return known
        _, finding = kind_of(Document(dict(body), Source("the request", None)))
        if finding is None or finding.severity is not Severity.ERROR:
            message = f"this server keeps no objects of {api_version} {kind}"
            self._problem(path, "UnknownKind", message)
        else:
            self._problem((*path, *finding.path), finding.code, finding.explanation)
        return None

    def _first(self, path: Path, key: ObjectId) -> bool:
        if key in self.seen:
            self._problem(path, "DUPLICATE_OBJECT", f"{key} is in the request twice")
            return False
        self.seen[key] = path
        return True

    def _problem(self, path: Path, reason: str, message: str, *, owner: bool = False) -> None:
        self.problems.append(Problem(path, reason, message, owner=owner))
