"""Ends processes that no longer belong to the mesh, after they have answered their requests.

``rollouts`` hand over processes, sidecars and gateways to which no proxy sends requests any more.
They end in the background. Meanwhile other changes can be made, which may start instances with the
same names. Ports stay reserved until no process listens on them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from laneway.adapters.runner.admin import AdminUnreachable
from laneway.adapters.runner.supervisors import expose
from laneway.control.control_plane import ControlPlane
from laneway.model.placements import Address, TerminatingSidecar
from laneway.wiring.address_allocation import AddressAllocator, addresses, sidecar_addresses
from laneway.wiring.fleets import Fleet, Instance, sidecar_node

#: Seconds between a proxy's acknowledgement and the moment when its workers have applied it: the
#: main thread acknowledges, and Envoy does not report when its workers have followed.
WORKERS_FOLLOW = 0.5


class Terminations:
    """All terminating processes. The grace period of each begins when it is handed over."""

    def __init__(
        self,
        control_plane: ControlPlane,
        fleet: Fleet,
        allocator: AddressAllocator,
        workers_follow: float = WORKERS_FOLLOW,
    ) -> None:
        self._control_plane = control_plane
        self._fleet = fleet
        self._allocator = allocator
        self._workers_follow = workers_follow
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._processes: dict[Instance, asyncio.Task[None]] = {}

    @property
    def instances(self) -> frozenset[Instance]:
        """The processes that have not ended yet."""
        return frozenset(self._processes)

    def hold(self, places: Iterable[Address]) -> bool:
        """Whether one of the terminating processes listens on one of ``places``."""
        return not self._held().isdisjoint(places)

    def process(self, instance: Instance) -> None:
        """Ends the process. Its sidecar continues, with or without another process."""
        self._processes[instance] = self._begin(self._end_process(instance))

    def workload(self, sidecar: TerminatingSidecar, instance: Instance | None) -> None:
        """Ends the sidecar, after its process and all processes that are terminating behind it."""
        self._control_plane.keep(sidecar)
        if instance:
            self.process(instance)
        self._begin(self._end_workload(sidecar))

    def gateway(self, node: str, listeners: Collection[Address]) -> None:
        """Closes the gateway's listeners at once, and ends it when its requests are answered."""
        self._begin(self._end_gateway(node, listeners))

    def forget(self, closed: Collection[Address]) -> None:
        """Releases addresses of listeners that running proxies have closed, once their worker
        threads have closed them, too."""
        self._close(self._forget_closed(closed))

    async def listeners_closed(self) -> None:
        """Waits until no process listens on the ports that were handed over so far. Processes and
        sidecars that still have requests keep their other ports."""
        while self._closing:
            await asyncio.wait(tuple(self._closing))

    async def finish(self) -> None:
        """Returns when everything has ended."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _end_process(self, instance: Instance) -> None:
        began = _now()
        with contextlib.suppress(TimeoutError, KeyError):
            async with asyncio.timeout(instance.workload.termination_grace_period):
                await asyncio.sleep(self._workers_follow)
                # After a hot restart, the sidecar's old process knows only the old application, and
                # still takes requests on its open connections.
                await self._fleet.wait_restarted(instance.sidecar)
        await self._fleet.stop(instance, _now() - began)
        del self._processes[instance]
        self._let_go(instance.addresses)

    async def _end_workload(self, sidecar: TerminatingSidecar) -> None:
        began = _now()
        node = sidecar_node(sidecar.placement)
        closing = self._close(self._close_sidecar(sidecar))
        behind = [task for each, task in self._processes.items() if each.sidecar == node]
        await asyncio.wait([closing, *behind])
        await self._fleet.stop_proxy(node, _now() - began)
        self._control_plane.drop(sidecar)
        self._control_plane.publish()
        self._let_go(
            (*sidecar_addresses(sidecar.placement), *sidecar.placement.application.values())
        )

    async def _close_sidecar(self, sidecar: TerminatingSidecar) -> None:
        """Stops it from accepting requests; it still serves those in progress."""
        await asyncio.sleep(self._workers_follow)
        closed = replace(sidecar.placement, inbound={})
        self._control_plane.keep(replace(sidecar, placement=closed))
        self._control_plane.publish()
        await self._control_plane.wait_synced()
        await self._forget_closed(sidecar.placement.inbound.values())

    async def _end_gateway(self, node: str, listeners: Collection[Address]) -> None:
        began = _now()
        await self._close(self._close_gateway(node, listeners))
        await self._fleet.stop_proxy(node, _now() - began)
        self._let_go(listeners)

    async def _close_gateway(self, node: str, listeners: Collection[Address]) -> None:
        with contextlib.suppress(AdminUnreachable):
            await self._fleet.stop_listening(node)
            await self._forget_closed(listeners)

    async def _forget_closed(self, listeners: Collection[Address]) -> None:
        await asyncio.sleep(self._workers_follow)
        self._let_go(listeners)

    def _let_go(self, places: Iterable[Address]) -> None:
        """Releases the ports, except those that now belong to another object."""
        kept = addresses(self._control_plane.placements) | self._held()
        self._allocator.forget(place for place in places if place not in kept)

    def _held(self) -> frozenset[Address]:
        return frozenset(place for each in self._processes for place in each.addresses)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(expose)
        return task

    def _close(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._begin(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return task


def _now() -> float:
    return asyncio.get_running_loop().time()
