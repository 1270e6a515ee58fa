"""Leader election by a ``coordination.k8s.io`` Lease, as Kubernetes' own controllers do it.

The leader renews its lease; another takes over one that has not been renewed for its duration, as
measured by its own clock since it last saw a change (clocks of machines need not agree). A leader
that could not renew in time stops its work before anybody else may begin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import Conflict, NotFound
from laneway.adapters.kube.resources import LEASES
from laneway.operator.cluster_port import ClusterError

log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds, with Kubernetes' own defaults. ``deadline`` must be less than ``duration``."""

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0


class Election:
    """``clock`` is monotonic; ``now`` gives RFC 3339 with microseconds, for people to read."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        name: str,
        identity: str,
        *,
        clock: Callable[[], float],
        now: Callable[[], str],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        terms: Terms = Terms(),
    ) -> None:
        self._client = client
        self._namespace, self._name = namespace, name
        self._identity = identity
        self._clock, self._now, self._pause = clock, now, pause
        self._terms = terms
        self._seen: tuple[Any, float] | None = None
        self._fault = ""
        self.leads = False

    async def lead(self, work: Work) -> None:
        """Wait to be the leader, then work until the lease is lost, or cancelled.

        Gives the lease back at the end, so that the next need not wait for it to run out.
        """
        while not await self._try():
            await self._pause(self._terms.retry)
        log.info("leading", identity=self._identity)
        self.leads = True
        try:
            await self._work_while_renewing(work)
        finally:
            self.leads = False
            await asyncio.shield(self._release())

    async def _work_while_renewing(self, work: Work) -> None:
        working = asyncio.ensure_future(work())
        renewing = asyncio.ensure_future(self._renew())
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, renewing):
                task.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)
        if working.done() and not working.cancelled():
            working.result()  # raises what the work did

    async def _renew(self) -> None:
        """Returns when the lease is lost."""
        renewed = self._clock()
        while (left := renewed + self._terms.deadline - self._clock()) > 0:
            await self._pause(min(self._terms.retry, left))
            try:
                async with asyncio.timeout(renewed + self._terms.deadline - self._clock()):
                    held = await self._try()
            except TimeoutError:
                break
            if held:
                renewed = self._clock()
            elif self._seen is not None and self._holder() not in ("", self._identity):
                break
        log.warning("lost the lease", identity=self._identity)

    async def _try(self) -> bool:
        """Take or renew the lease, and return whether we hold it.

        Errors are logged once, and count as not held.
        """
        fault = ""
        try:
            return await self._take(await self._read())
        except Conflict:  # somebody was quicker
            return False
        except ClusterError as error:
            fault = str(error)
            if fault != self._fault:
                log.warning("cannot acquire the lease", error=fault)
            return False
        finally:
            self._fault = fault

    async def _read(self) -> dict[str, Any] | None:
        try:
            return await self._client.get(LEASES, self._namespace, self._name)
        except NotFound:
            return None

    async def _take(self, lease: dict[str, Any] | None) -> bool:
        now = self._now()
        if lease is None:
            body = self._lease({}, {"acquireTime": now, "leaseTransitions": 0}, now)
            await self._client.create(LEASES, self._namespace, body)
            return True
        spec = lease.get("spec") or {}
        if self._seen is None or self._seen[0] != spec:
            self._seen = spec, self._clock()
        holder = spec.get("holderIdentity") or ""
        duration = float(spec.get("leaseDurationSeconds") or self._terms.duration)
        if holder not in ("", self._identity) and self._clock() - self._seen[1] < duration:
            return False
        if holder != self._identity:
            transitions = int(spec.get("leaseTransitions") or 0) + 1
            spec = {**spec, "acquireTime": now, "leaseTransitions": transitions}
        updated = await self._client.update(LEASES, self._lease(lease["metadata"], spec, now))
        self._seen = updated.get("spec"), self._clock()
        return True

    def _holder(self) -> str:
        return str((self._seen[0] or {}).get("holderIdentity") or "") if self._seen else ""

    def _lease(
        self, metadata: dict[str, Any], spec: dict[str, Any], now: str, holder: str | None = None
    ) -> dict[str, Any]:
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {**metadata, "name": self._name, "namespace": self._namespace},
            "spec": {
                **spec,
                "holderIdentity": self._identity if holder is None else holder,
                "leaseDurationSeconds": round(self._terms.duration),
                "renewTime": now,
            },
        }

    async def _release(self) -> None:
        try:
            lease = await self._read()
            if lease and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                body = self._lease(lease["metadata"], lease["spec"], self._now(), holder="")
                await self._client.update(LEASES, body)
        except ClusterError as error:
            log.warning("cannot release the lease", error=str(error))
