"""Plans a request: determines the next declared state, or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from laneway.control.declared.baselines import Baselines, kept_baselines, recorded
from laneway.control.declared.merging import Merged, merged
from laneway.control.declared.objects import Principal
from laneway.control.declared.requests import ChangeSet, ReplaceAll, Request, Writes
from laneway.control.declared.resolution import Check, Resolution, resolve
from laneway.control.declared.results import NotProgrammed, Refused, VersionConflict
from laneway.control.declared.state import DeclaredState, Failure
from laneway.model.findings import Finding, ObjectKey
from laneway.model.machine_defaults import machine_mesh_of
from laneway.model.meshes import Mesh

#: The code of the finding about an object that proxies rejected, or that could not be started.
NOT_PROGRAMMED = "NOT_PROGRAMMED"


def plan(
    state: DeclaredState,
    request: Request,
    principal: Principal,
    *,
    active: Mesh,
    check: Check,
    expected_version: int | None = None,
    retry: bool = True,
) -> DeclaredState | Refused:
    """``active`` is the running mesh. A request that changes no object makes no new version.

    ``retry``: failed objects are tried again if the request changes something in their scope.
    """
    if expected_version is not None and expected_version != state.version:
        conflict = VersionConflict(None, expected_version, state.version)
        return Refused(state.version, conflicts=(conflict,))
    version = state.version + 1
    merge = merged(state.objects, request, version, principal)
    if merge.conflicts or merge.findings:
        return Refused(state.version, merge.findings, merge.conflicts)
    if not merge.changed and not merge.moved:
        version = state.version
    kept = kept_baselines(state.baselines, merge.objects, request)
    if _is_checked(request, merge):
        accepted = machine_mesh_of([each.declared for each in merge.objects.ordered])
        baselines = recorded(kept, merge.objects, accepted)
        return DeclaredState(version, merge.objects, Resolution(accepted), (), baselines)
    failures = _still_there(state.failures, merge, retry=retry)
    if isinstance(request, Writes):
        failed = request.failed.items()
        failures += tuple(Failure(key, finding, _scopes([key])) for key, finding in failed)
    errors = {failure.key: (failure.finding,) for failure in failures}
    resolution = resolve(merge.objects, active, check, errors, kept)
    if isinstance(request, ChangeSet) and (found := _introduced(resolution, state, merge)):
        return Refused(state.version, (*found, *resolution.warnings))
    baselines = recorded(kept, merge.objects, resolution.mesh)
    return DeclaredState(version, merge.objects, resolution, failures, baselines)


def _is_checked(request: Request, merge: Merged) -> bool:
    if not isinstance(request, ChangeSet) or not isinstance(request.edits, ReplaceAll):
        return False
    return request.checked and all(each.source == request.source for each in merge.objects.ordered)


def after_failure(
    before: DeclaredState,
    planned: DeclaredState,
    key: ObjectKey,
    outcome: NotProgrammed,
    *,
    active: Mesh,
    check: Check,
) -> DeclaredState:
    """The state after a single write of ``key`` that could not be programmed.

    The object is stored, but its last valid state stays active (or none), until it is written
    again. The same applies to objects that failed before and were tried again with it.
    """
    failures = [each for each in before.failures if each.key != key]
    failures.append(_failure(key, outcome))
    return _failed(planned, failures, before.baselines, active, check)


def not_taken_over(
    state: DeclaredState, outcome: NotProgrammed, active: Mesh, check: Check
) -> DeclaredState:
    """The state after a mesh was taken over that cannot become the declared one: each object that
    differs stays in the state in which it is ``active``, until it is written again."""
    known = {failure.key for failure in state.failures}
    keys = (ObjectKey(each.kind, each.name) for each in outcome.differences)
    failed = [_failure(key, outcome) for key in keys if key not in known]
    return _failed(state, [*state.failures, *failed], state.baselines, active, check)


def _failure(key: ObjectKey, outcome: NotProgrammed) -> Failure:
    finding = Finding(NOT_PROGRAMMED, str(outcome), "correct it, and write it again", key)
    changed = (ObjectKey(each.kind, each.name) for each in outcome.differences)
    return Failure(key, finding, _scopes([key, *changed]))


def _failed(
    state: DeclaredState,
    failures: Sequence[Failure],
    kept: Baselines,
    active: Mesh,
    check: Check,
) -> DeclaredState:
    """The state if these failures are all that there are."""
    errors = {failure.key: (failure.finding,) for failure in failures}
    resolution = resolve(state.objects, active, check, errors, kept)
    baselines = recorded(kept, state.objects, resolution.mesh)
    return DeclaredState(state.version, state.objects, resolution, tuple(failures), baselines)


def scope_of(kind: str, name: str) -> Hashable:
    """Lanes have the scope of their group. Every other object has its own."""
    return ("LaneGroup", name.partition("/")[0]) if kind == "Lane" else (kind, name)


def _scopes(keys: Iterable[ObjectKey]) -> frozenset[Hashable]:
    return frozenset(scope_of(key.kind, key.name) for key in keys)


def _still_there(failures: Iterable[Failure], merge: Merged, *, retry: bool) -> tuple[Failure, ...]:
    written = _scopes(merge.changed) if retry else frozenset()
    untouched = merge.objects.by_key.keys() - merge.changed
    return tuple(f for f in failures if f.key in untouched and not f.scopes & written)


def _introduced(resolution: Resolution, state: DeclaredState, merge: Merged) -> tuple[Finding, ...]:
    """The errors of objects in a change set, and errors that it causes in other objects."""
    known = {(key, f.code, f.path) for key, f in state.resolution.errors}
    return tuple(
        finding
        for key, finding in resolution.errors
        if key in merge.changed or (key, finding.code, finding.path) not in known
    )
