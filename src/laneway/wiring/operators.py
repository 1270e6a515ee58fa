"""The operator, put together: election -> caches -> pacer -> reconciler, over one API client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from traceback import format_exception

import structlog

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.cluster import KubeCluster
from laneway.adapters.kube.leases import Election, Terms
from laneway.adapters.kube.resources import Resource
from laneway.compile.dialect import ConfiguredDialect
from laneway.model.times import timestamp
from laneway.operator.pacing import Pace, Pacer
from laneway.operator.reconciler import SETTLE, Pass, Reconciler

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """``identity`` is this process's, unique in the cluster; its lease is in ``namespace``."""

    identity: str
    namespace: str = "laneway-system"
    lease: str = "laneway-operator"
    settle: float = SETTLE
    pace: Pace = field(default_factory=Pace)
    terms: Terms = field(default_factory=Terms)


@dataclass(slots=True)
class Observers:
    """Callbacks for what happens; metrics are computed from them."""

    passed: Callable[[Pass, float], None] = lambda result, seconds: None
    changed: Callable[[Resource], None] = lambda resource: None


@dataclass(slots=True)
class Operator:
    client: Client
    dialect: ConfiguredDialect
    settings: Settings
    observers: Observers = field(default_factory=Observers)
    cluster: KubeCluster | None = None
    election: Election | None = None
    _logged: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Runs until cancelled: stands by, leads, and stands by again when the lease is lost."""
        self.election = Election(
            self.client,
            self.settings.namespace,
            self.settings.lease,
            self.settings.identity,
            clock=time.monotonic,
            now=microseconds,
            terms=self.settings.terms,
        )
        while True:
            await self.election.lead(self._lead)

    @property
    def leads(self) -> bool:
        return self.election is not None and self.election.leads

    async def _lead(self) -> None:
        """The work of the leader. Caches start empty, because earlier contents may be outdated."""
        pacer: Pacer | None = None

        def changed(resource: Resource) -> None:
            self.observers.changed(resource)
            if pacer is not None:
                pacer.changed()

        kinds = self.dialect.kinds
        cluster = KubeCluster(
            self.client, kinds, changed, identity=self.settings.identity, now=microseconds
        )
        reconciler = Reconciler(cluster, self.dialect, now=seconds, settle=self.settings.settle)
        pacer = Pacer(reconciler.reconcile, self._passed, self.settings.pace)
        self.cluster = cluster
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(cluster.run())
                await cluster.filled()
                tasks.create_task(pacer.run())
        finally:
            self.cluster = None

    def _passed(self, result: Pass, took: float) -> None:
        if result.operations or result.failed:
            log.info(
                "reconciled",
                operations=result.operations,
                reports=result.reports,
                failed=result.failed,
                seconds=round(took, 3),
            )
        for failure in sorted(set(result.failures)):
            log.warning("failed", error=failure)
        for fault in result.faults:
            if str(fault) not in self._logged:
                # Without the values of local variables, which may be a whole mesh.
                log.error("internal error", exception="".join(format_exception(fault)))
        self._logged = frozenset(map(str, result.faults))
        self.observers.passed(result, took)


def seconds() -> str:
    return timestamp(datetime.now(UTC))


def microseconds() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
