"""The reconciler: one pass from what is observed in a cluster to what should be there.

Plans the pass, carries the plan out step by step, and reports in the status of lanes and groups.
Its state only saves work: another process would do the same. If anything fails in a lane group, the
pass does no more for that group, so that no route is switched to a subset that is not there; the
other groups go on. That is so for errors of the API server and for bugs of laneway alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from laneway.compile.dialect import ConfiguredDialect
from laneway.operator.acceptance import group_name
from laneway.operator.cluster_port import Cluster, ClusterError, Note, Observed
from laneway.operator.isolation import internal_error
from laneway.operator.manifests import Manifest, group_of
from laneway.operator.operations import (
    Apply,
    Operation,
    Phase,
    Reconciliation,
    Step,
)
from laneway.operator.planning import Plan, Planner
from laneway.operator.ready_instances import Readiness
from laneway.operator.recorded_baselines import baseline_to_record
from laneway.operator.shared_pods import shared_pods
from laneway.operator.status import Result, conditions, notes, status_of

#: Operations that are under way at once.
CONCURRENCY = 8
#: Seconds between the switch of routes and the removal of what they used: proxies get both from
#: istiod within about one, and would have nothing to route to if the second came first.
SETTLE = 2.0


@dataclass(frozen=True, slots=True)
class Pass:
    """How one pass went. ``failures`` say what failed and is to be retried; ``faults`` are the
    exceptions among them that are bugs of laneway. ``valid_for`` are the seconds until a lane
    expires, and another pass is due."""

    operations: int = 0
    reports: int = 0
    failures: tuple[str, ...] = ()
    faults: tuple[Exception, ...] = ()
    valid_for: float | None = None

    @property
    def failed(self) -> int:
        return len(self.failures)


@dataclass(slots=True)
class _Progress:
    failures: dict[str, list[str]] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    done: int = 0

    def fail(self, group: str, error: Exception) -> None:
        is_known = isinstance(error, ClusterError)
        text = str(error) if is_known else internal_error(error)
        self.failures.setdefault(group, []).append(text)
        if not is_known:
            self.faults.append(error)


class Reconciler:
    """``now`` gives the time as RFC 3339 has it; ``pause`` waits for some seconds."""

    def __init__(
        self,
        cluster: Cluster,
        dialect: ConfiguredDialect,
        *,
        now: Callable[[], str],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        settle: float = SETTLE,
    ) -> None:
        self._cluster = cluster
        self._planner = Planner(dialect)
        self._now = now
        self._pause = pause
        self._settle = settle
        self._last: tuple[object, Plan] | None = None

    async def reconcile(self) -> Pass:
        """One pass. Errors of the API server, and of planning, are in the result."""
        observed = self._cluster.observe()
        plan = self._plan(observed)
        progress = _Progress()
        await self._carry_out(plan.difference, progress)
        clean = not len(plan.difference)
        self._last = (observed.revision, plan) if clean else None
        reports = await self._report(observed, plan, progress)
        faults = (*([plan.fatal] if plan.fatal else ()), *plan.faults.values())
        failures = (
            *([internal_error(plan.fatal)] if plan.fatal else ()),
            *(f"{key}: {internal_error(error)}" for key, error in plan.faults.items()),
            *(text for texts in progress.failures.values() for text in texts),
        )
        expires = plan.acceptance.expires
        valid_for = None if expires is None else (expires - moment(self._now())).total_seconds()
        return Pass(progress.done, reports, failures, (*faults, *progress.faults), valid_for)

    def _plan(self, observed: Observed) -> Plan:
        """The last plan again if only pods have changed since, nothing was left to do, and no lane
        has expired."""
        now = moment(self._now())
        if self._last is not None and self._last[0] == observed.revision:
            plan = self._last[1]
            if plan.acceptance.expires is None or plan.acceptance.expires > now:
                return plan
        return self._planner.plan(observed, now)

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
                except Exception as error:
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

    async def _report(self, observed: Observed, plan: Plan, progress: _Progress) -> int:
        declared = (*observed.groups, *observed.lanes)
        faults = {
            group: internal_error(error)
            for group in {group_name(manifest) for manifest in declared}
            if (error := plan.fault_of(group)) is not None
        }
        result = Result(dict(progress.failures), plan.notices, plan.limits, faults)
        readiness = Readiness(observed.slices, observed.pods)
        shared = shared_pods(plan.acceptance.mesh, readiness)
        now = self._now()
        slots = asyncio.Semaphore(CONCURRENCY)
        changed = []
        for manifest in declared:
            try:
                found, instances = conditions(manifest, plan.acceptance, result, readiness, shared)
                baseline = baseline_to_record(manifest, plan.acceptance.mesh)
                status = status_of(manifest, found, instances, now, baseline)
                if not _same(manifest.get("status"), status):
                    changed.append((manifest, status, tuple(notes(manifest, found))))
            except Exception as error:
                progress.fail(group_name(manifest), error)

        async def one(manifest: Manifest, status: dict[str, Any], events: Sequence[Note]) -> None:
            async with slots:
                try:
                    await self._cluster.report(manifest, status)
                    for note in events:
                        await self._cluster.announce(manifest, note)
                except Exception as error:
                    progress.fail(group_name(manifest), error)

        async with asyncio.TaskGroup() as tasks:
            for each in changed:
                tasks.create_task(one(*each))
        return len(changed)


def moment(now: str) -> datetime:
    return datetime.fromisoformat(now)


def _same(before: object, status: dict[str, Any]) -> bool:
    """Whether the fields that laneway reports are as they were."""
    return isinstance(before, dict) and all(before.get(key) == status[key] for key in status)
