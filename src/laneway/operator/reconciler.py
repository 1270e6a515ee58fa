"""The reconciler: one pass from what is observed in a cluster to what should be there.

Accepts what is declared, compiles it, carries out the difference step by step, and reports. Holds
no state that matters: a pass by another process, later, does the same. What it remembers only
saves work. A group in which something fails goes no further, so that no route is switched to a
subset that is not there; the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from laneway.compile.ir import MeshRoutes
from laneway.compile.lower import lower
from laneway.model.findings import Finding, ObjectKey
from laneway.model.meshes import Mesh
from laneway.operator.acceptance import Acceptance, accept, group_name
from laneway.operator.cluster_port import Cluster, ClusterError, Observed
from laneway.operator.decoded_manifests import DecodedManifests
from laneway.operator.held_groups import Hold, Holds
from laneway.operator.manifests import Manifest, group_of, key_of
from laneway.operator.operations import (
    Apply,
    Operation,
    Phase,
    Reconciliation,
    Step,
    reconcile,
    unclaimed,
)
from laneway.operator.ready_instances import Readiness
from laneway.operator.sealed_manifests import SealedManifests
from laneway.operator.status import Result, conditions, notes, status_of

Emit = Callable[[Mesh, MeshRoutes], Iterable[dict[str, Any]]]
#: What the emitted objects cannot do of what the mesh says.
Limit = Callable[[Mesh, MeshRoutes], Iterable[Finding]]

#: Operations that are under way at once.
CONCURRENCY = 8
#: Seconds between the switch of routes and the removal of what they used: proxies get both from
#: istiod within about one, and would have nothing to route to if the second came first.
SETTLE = 2.0


@dataclass(frozen=True, slots=True)
class Pass:
    """How one pass went. ``failures`` say what failed, and is to be tried again."""

    operations: int = 0
    reports: int = 0
    failures: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        return len(self.failures)


@dataclass(slots=True)
class _Progress:
    failures: dict[str, list[str]] = field(default_factory=dict)
    done: int = 0

    def fail(self, group: str, error: ClusterError) -> None:
        self.failures.setdefault(group, []).append(str(error))


@dataclass(frozen=True, slots=True)
class _Plan:
    acceptance: Acceptance
    difference: Reconciliation
    notices: dict[str, list[str]]
    limits: dict[ObjectKey, list[Finding]]


class Reconciler:
    """``now`` gives the time as RFC 3339 has it; ``pause`` waits for some seconds."""

    def __init__(
        self,
        cluster: Cluster,
        emit: Emit,
        limit: Limit = lambda mesh, routes: (),
        *,
        now: Callable[[], str],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        settle: float = SETTLE,
    ) -> None:
        self._cluster = cluster
        self._emit = emit
        self._limit = limit
        self._now = now
        self._pause = pause
        self._settle = settle
        self._sealed = SealedManifests()
        self._decoded = DecodedManifests()
        self._last: tuple[object, _Plan] | None = None

    async def reconcile(self) -> Pass:
        """One pass. Raises nothing that the API server says: that is in the result."""
        observed = self._cluster.observe()
        plan = self._plan(observed)
        progress = _Progress()
        await self._carry_out(plan.difference, progress)
        clean = not len(plan.difference)
        self._last = (observed.revision, plan) if clean else None
        result = Result(progress.failures, plan.notices, plan.limits)
        reports = await self._report(observed, plan.acceptance, result, progress)
        failures = tuple(text for texts in progress.failures.values() for text in texts)
        return Pass(progress.done, reports, failures)

    def _plan(self, observed: Observed) -> _Plan:
        """The last one where nothing but pods has changed, and nothing was left to do."""
        if self._last is not None and self._last[0] == observed.revision:
            return self._last[1]
        acceptance = accept(
            [*observed.groups, *observed.lanes],
            [*observed.services, *observed.gateways],
            self._decoded,
        )
        mesh, routes = acceptance.mesh, lower(acceptance.mesh)
        desired = self._emit(mesh, routes)
        free, taken = unclaimed(desired, observed.generated)
        holds = Holds(acceptance.held, observed.generated)
        difference = reconcile(free, observed.generated, holds, self._sealed)
        notices = _notices(acceptance, holds, free, taken, difference.collisions)
        return _Plan(acceptance, difference, notices, _limits(mesh, self._limit(mesh, routes)))

    async def _carry_out(self, difference: Reconciliation, progress: _Progress) -> None:
        switched = False
        for step in difference.steps:
            if step.phase is Phase.REMOVE and switched:
                await self._pause(self._settle)
                switched = False
            switched |= step.phase is Phase.SWITCH
            await self._take(step, progress)

    async def _take(self, step: Step, progress: _Progress) -> None:
        """The operations of groups in which nothing has failed so far."""
        stopped = frozenset(progress.failures)
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(operation: Operation) -> None:
            async with slots:
                try:
                    await self._do(operation)
                    progress.done += 1
                except ClusterError as error:
                    progress.fail(group_of(operation.manifest), error)

        async with asyncio.TaskGroup() as tasks:
            for operation in step.operations:
                if group_of(operation.manifest) not in stopped:
                    tasks.create_task(one(operation))

    async def _do(self, operation: Operation) -> None:
        if isinstance(operation, Apply):
            await self._cluster.apply(operation.manifest, operation.before)
        else:
            await self._cluster.delete(operation.manifest)

    async def _report(
        self, observed: Observed, acceptance: Acceptance, result: Result, progress: _Progress
    ) -> int:
        readiness = Readiness(observed.slices, observed.pods)
        now = self._now()
        slots = asyncio.Semaphore(CONCURRENCY)
        changed = []
        for manifest in (*observed.groups, *observed.lanes):
            found, instances = conditions(manifest, acceptance, result, readiness)
            status = status_of(manifest, found, instances, now)
            if not _same(manifest.get("status"), status):
                changed.append((manifest, status, tuple(notes(manifest, found))))

        async def one(manifest: Manifest, status: dict[str, Any], told: Sequence[Any]) -> None:
            async with slots:
                try:
                    await self._cluster.report(manifest, status)
                    for note in told:
                        await self._cluster.announce(manifest, note)
                except ClusterError as error:
                    progress.fail(group_name(manifest), error)

        async with asyncio.TaskGroup() as tasks:
            for each in changed:
                tasks.create_task(one(*each))
        return len(changed)


def _same(before: object, status: dict[str, Any]) -> bool:
    """Whether the fields that laneway reports are as they were."""
    return isinstance(before, dict) and all(before.get(key) == status[key] for key in status)


def _notices(
    acceptance: Acceptance,
    holds: Holds,
    free: Sequence[Manifest],
    taken: Sequence[tuple[Manifest, Manifest]],
    collisions: Sequence[Manifest],
) -> dict[str, list[str]]:
    """By group, why some of what was emitted is not applied."""
    notices: dict[str, list[str]] = {}
    for manifest, claim in taken:
        hosts = ", ".join(manifest["spec"]["hosts"])
        text = f"{key_of(claim)} routes {hosts} already, so lanes do not: remove one of the two"
        notices.setdefault(group_of(manifest), []).append(text)
    others = {key_of(manifest) for manifest in collisions}
    for manifest in free:
        key = key_of(manifest)
        if key in others:
            text = f"{key} is not laneway's, and has the name of what it would generate"
            notices.setdefault(group_of(manifest), []).append(text)
        elif holds.of(manifest) is Hold.FROZEN:
            groups = ", ".join(sorted(acceptance.held))
            text = f"{key} stays as it was, because of errors in lane group {groups}"
            notices.setdefault(group_of(manifest), []).append(text)
    return notices


def _limits(mesh: Mesh, findings: Iterable[Finding]) -> dict[ObjectKey, list[Finding]]:
    """By lane or group. Findings about a Service go to its group: it has no laneway status."""
    owners = {
        ObjectKey("Service", str(service)): ObjectKey("LaneGroup", group.name)
        for service, group in mesh.groups_by_service.items()
    }
    limits: dict[ObjectKey, list[Finding]] = {}
    for finding in findings:
        if finding.subject is not None:
            limits.setdefault(owners.get(finding.subject, finding.subject), []).append(finding)
    return limits
