"""The meshes that reviews ask about: what is declared now, or was in an earlier revision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from laneway.apiserver.failures import Failure
from laneway.compile.envoy.limits import check
from laneway.control.declared import Declarations, DeclaredState, Principal, Refused, Request
from laneway.control.declared.planning import plan
from laneway.control.revisions import RevisionCompacted, RevisionStore, StoreError
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName, find_name
from laneway.model.suggestions import listing, suggestion
from laneway.wiring.stored_declarations import STORE, declared_at_start


def declared_mesh(request: Request) -> Mesh:
    """What would be active if just this were declared: what is invalid is left out."""
    state = plan(DeclaredState(), request, Principal(STORE), active=Mesh(), check=check)
    assert not isinstance(state, Refused), "writes are never refused"
    return state.mesh


async def mesh_at(
    revision: int | None, store: RevisionStore, declarations: Declarations, now: datetime
) -> Mesh:
    """What is to run, as of a revision and its time. Raises ``Failure``."""
    if revision is None:
        return active(declarations.state.mesh, now)
    try:
        objects = await store.objects_at(revision)
    except RevisionCompacted as error:
        raise Failure(410, f"spec.revision: {error}") from error
    except StoreError as error:
        raise Failure(422, f"spec.revision: {error}") from error
    written = await store.revisions(revision - 1, 1) if revision > store.compacted else ()
    at = written[0].at if written else None
    return active(declared_mesh(declared_at_start(objects)), at)


def workload_names(words: Iterable[str], mesh: Mesh, field: str) -> frozenset[ObjectName]:
    return frozenset(
        object_name(word, mesh.workloads_by_name, f"{field}[{index}]", "workload")
        for index, word in enumerate(words)
    )


def object_name(word: str, known: Iterable[ObjectName], field: str, what: str) -> ObjectName:
    """``name`` or ``namespace/name``, of one that exists. Raises ``Failure``."""
    names = list(known)
    if found := find_name(word, names):
        return found
    words = [str(each) for each in names]
    fix = suggestion(str(ObjectName.of(word)), words, f"there is {listing(words) or 'none'}")
    raise Failure(422, f"{field}: there is no {what} {word}; {fix}")
