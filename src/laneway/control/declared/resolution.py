"""Determines the mesh that is to be active on one machine, from the declared objects. Pure.

``model.acceptance`` decides which objects are valid together. Active objects with errors stay in
their last valid state: a lane group together with its lanes, services and gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from laneway.control.declared.objects import DeclaredObject, Objects, objects_of
from laneway.model.acceptance import Acceptance, Candidate, Standing, accept
from laneway.model.checks import Gaps
from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.keys import Declared, key_of
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.machine_defaults import machine_mesh_of
from laneway.model.meshes import Mesh

#: The checks between objects.
Check = Callable[[Mesh, Gaps], Iterable[Finding]]
Errors = Mapping[ObjectKey, Sequence[Finding]]

_D = TypeVar("_D", bound=Declared)


@dataclass(frozen=True)
class Resolution:
    """``mesh`` is to be active: the accepted objects, and the last valid state of those in
    ``kept``. Findings have the locations of the documents that declare their objects."""

    mesh: Mesh = field(default_factory=Mesh)
    acceptance: Acceptance[ObjectKey] = field(default_factory=Acceptance)
    candidates: Mapping[ObjectKey, Candidate[ObjectKey]] = field(default_factory=dict)
    kept: frozenset[ObjectKey] = frozenset()
    warnings: tuple[Finding, ...] = ()

    def standing(self, key: ObjectKey) -> Standing:
        candidate = self.candidates.get(key)
        if candidate is None:  # it was accepted without a check
            return Standing.ACCEPTED
        if candidate.group is None and key in self.kept:
            return Standing.HELD
        return self.acceptance.standing(candidate)

    @property
    def errors(self) -> Iterator[tuple[ObjectKey, Finding]]:
        for key, findings in self.acceptance.findings.items():
            for finding in findings:
                yield key, finding


def resolve(objects: Objects, active: Mesh, check: Check, failures: Errors) -> Resolution:
    """``failures`` are errors that no check can find: earlier messages of proxies or processes."""
    by_key = objects.by_key
    running = set(map(key_of, objects_of(active)))
    candidates = [_candidate(each, each.key in running) for each in objects.ordered]
    known = {key: list(findings) for key, findings in failures.items() if key in by_key}
    while True:
        judge = _Judge(by_key, check, known)
        acceptance = accept(candidates, judge)
        kept = _kept(acceptance, active)
        if kept == Mesh():
            mesh = acceptance.mesh
            break
        mesh = _over(acceptance.mesh, kept)
        wrong = _errors(check(mesh, Gaps()))
        if not wrong:
            break
        accepted = by_key.keys() - acceptance.left_out
        newcomers = {key for key in wrong if key in accepted and key not in known}
        if not newcomers:  # nothing else can be changed
            acceptance = _all_held(candidates, acceptance, wrong)
            mesh = kept = active
            break
        for key in newcomers:
            known[key] = wrong[key]
    return Resolution(
        mesh,
        _placed(acceptance, by_key),
        {each.key: each for each in candidates},
        frozenset(map(key_of, objects_of(kept))),
        tuple(_place(judge.warnings, by_key)),
    )


def _candidate(each: DeclaredObject, active: bool) -> Candidate[ObjectKey]:
    declared, key = each.declared, each.key
    if isinstance(declared, LaneGroup):
        return Candidate(key, declared.name, is_group=True, active=active)
    group = declared.group if isinstance(declared, Lane) else None
    return Candidate(key, group, active=active)


class _Judge:
    """``warnings`` are those of the last call."""

    def __init__(
        self, objects: Mapping[ObjectKey, DeclaredObject], check: Check, known: Errors
    ) -> None:
        self._objects = objects
        self._check = check
        self._known = known
        self.warnings: tuple[Finding, ...] = ()

    def __call__(self, keys: Collection[ObjectKey]) -> tuple[Mesh, Errors]:
        mesh = machine_mesh_of([self._objects[key].declared for key in keys], self._objects.keys())
        findings = list(self._check(mesh, Gaps()))
        self.warnings = tuple(each for each in findings if each.severity is not Severity.ERROR)
        errors = _errors(findings)
        for key in keys:
            errors.setdefault(key, []).extend(self._known.get(key, ()))
        return mesh, {key: found for key, found in errors.items() if found}


def _errors(findings: Iterable[Finding]) -> dict[ObjectKey, list[Finding]]:
    errors: dict[ObjectKey, list[Finding]] = {}
    for finding in findings:
        if finding.severity is Severity.ERROR:
            assert finding.subject is not None, f"{finding.code} names no object"
            errors.setdefault(finding.subject, []).append(finding)
    return errors


def _kept(acceptance: Acceptance[ObjectKey], active: Mesh) -> Mesh:
    """The last valid state of the objects that are held."""
    groups = [group for group in active.groups if group.name in acceptance.held]
    services = {service for group in groups for service in group.services}
    gateways = {group.gateway for group in groups}

    def is_wrong_now(each: Declared) -> bool:
        return key_of(each) in acceptance.findings

    return Mesh(
        groups=tuple(groups),
        lanes=tuple(lane for lane in active.lanes if lane.group in acceptance.held),
        services=tuple(s for s in active.services if s.name in services or is_wrong_now(s)),
        workloads=tuple(w for w in active.workloads if is_wrong_now(w)),
        gateways=tuple(g for g in active.gateways if g.name in gateways or is_wrong_now(g)),
    )


def _over(accepted: Mesh, kept: Mesh) -> Mesh:
    return Mesh(
        groups=_first(kept.groups, accepted.groups),
        lanes=_first(kept.lanes, accepted.lanes),
        services=_first(kept.services, accepted.services),
        workloads=_first(kept.workloads, accepted.workloads),
        gateways=_first(kept.gateways, accepted.gateways),
    )


def _first(kept: Sequence[_D], accepted: Sequence[_D]) -> tuple[_D, ...]:
    """Kept objects come first, so that an error between the two is reported for the other."""
    keys = {key_of(each) for each in kept}
    return (*kept, *(each for each in accepted if key_of(each) not in keys))


def _all_held(
    candidates: Sequence[Candidate[ObjectKey]], acceptance: Acceptance[ObjectKey], wrong: Errors
) -> Acceptance[ObjectKey]:
    groups = frozenset(each.group for each in candidates if each.group is not None)
    keys = frozenset(each.key for each in candidates)
    findings = {**acceptance.findings}
    for key, found in wrong.items():
        findings[key] = (*findings.get(key, ()), *found)
    return replace(acceptance, held=groups, left_out=keys, findings=findings)


def _placed(
    acceptance: Acceptance[ObjectKey], by_key: Mapping[ObjectKey, DeclaredObject]
) -> Acceptance[ObjectKey]:
    findings = {key: tuple(_place(found, by_key)) for key, found in acceptance.findings.items()}
    return replace(acceptance, findings=findings)


def _place(
    findings: Iterable[Finding], by_key: Mapping[ObjectKey, DeclaredObject]
) -> Iterator[Finding]:
    for finding in findings:
        declared = by_key.get(finding.subject) if finding.subject else None
        yield declared.declaration.place(finding) if declared else finding
