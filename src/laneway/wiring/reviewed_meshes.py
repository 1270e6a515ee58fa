"""The meshes for reviews: the declared state now, or in an earlier revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from laneway.apiserver.failures import Failure
from laneway.compile.envoy.limits import check
from laneway.compile.simulate import InactiveLanes, inactive_lanes
from laneway.control.declared import Declarations, DeclaredState, Principal, Refused, Request
from laneway.control.declared.planning import plan
from laneway.control.revisions import (
    Manifest,
    Objects,
    RevisionCompacted,
    RevisionStore,
    StoreError,
)
from laneway.model.findings import Finding
from laneway.model.lane_lives import Inactive, active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName, find_name
from laneway.model.suggestions import listing, suggestion
from laneway.wiring.stored_declarations import STORE, declared_at_start

_LANES = "lanes.laneway.dev"


def declared_mesh(request: Request) -> Mesh:
    """The mesh that would be active if only this were declared: invalid objects are left out."""
    state = plan(DeclaredState(), request, Principal(STORE), active=Mesh(), check=check)
    assert not isinstance(state, Refused), "writes are never refused"
    return state.mesh


@dataclass(frozen=True, slots=True)
class ReviewedMesh:
    """Everything that is declared at a time; None if the time is unknown. ``disabled_since``: lane
    -> the time from its status. ``manifests`` are the objects, unless they are those of the past.

    In a cluster, ``unready`` are the workloads without a ready pod, ``warnings`` say what is not
    known, and ``findings`` are about objects that were left out.
    """

    declared: Mesh
    at: datetime | None
    disabled_since: Mapping[str, str]
    unready: frozenset[ObjectName] = frozenset()
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    manifests: Sequence[Manifest] = ()

    @property
    def mesh(self) -> Mesh:
        """The mesh that should run."""
        return active(self.declared, self.at)

    @property
    def inactive(self) -> InactiveLanes:
        return inactive_lanes(self.declared, self.at, self.disabled_since)


async def reviewed_mesh(
    revision: int | None, store: RevisionStore, declarations: Declarations, now: datetime
) -> ReviewedMesh:
    """The mesh as of a revision and its time. Raises ``Failure``."""
    if revision is None:
        objects = store.objects
        return ReviewedMesh(
            declarations.state.mesh,
            now,
            _disabled_since(objects),
            manifests=[each.manifest for each in objects.values()],
        )
    try:
        objects = await store.objects_at(revision)
    except RevisionCompacted as error:
        raise Failure(410, f"spec.revision: {error}") from error
    except StoreError as error:
        raise Failure(422, f"spec.revision: {error}") from error
    written = await store.revisions(revision - 1, 1) if revision > store.compacted else ()
    at = written[0].at if written else None
    declared = declared_mesh(declared_at_start(objects))
    return ReviewedMesh(declared, at, _disabled_since(objects))


def _disabled_since(objects: Objects) -> Mapping[str, str]:
    return {
        key.name: condition["lastTransitionTime"]
        for key, stored in objects.items()
        if key.resource == _LANES
        for condition in (stored.manifest.get("status") or {}).get("conditions") or ()
        if condition["type"] == "Programmed" and condition["reason"] == Inactive.DISABLED.value
    }


def workload_names(words: Iterable[str], mesh: Mesh, field: str) -> frozenset[ObjectName]:
    return frozenset(
        object_name(word, mesh.workloads_by_name, f"{field}[{index}]", "workload")
        for index, word in enumerate(words)
    )


def object_name(word: str, known: Iterable[ObjectName], field: str, what: str) -> ObjectName:
    """Resolves ``name`` or ``namespace/name`` of an existing object. Raises ``Failure``."""
    names = list(known)
    if found := find_name(word, names):
        return found
    words = [str(each) for each in names]
    fix = suggestion(str(ObjectName.of(word)), words, f"there is {listing(words) or 'none'}")
    raise Failure(422, f"{field}: there is no {what} {word}; {fix}")
