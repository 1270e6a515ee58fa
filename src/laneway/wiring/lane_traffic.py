"""The requests of the running mesh by lane, and the calls that left it, read from its proxies.

Many ask, each as often as it likes; the proxies are read once an interval, for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from laneway.adapters.runner.admin import AdminUnreachable
from laneway.compile.envoy.names import workload_of
from laneway.control.call_totals import CallTotals, CountedCalls
from laneway.control.lane_totals import Figures, LaneTotals
from laneway.control.proxies import ProxyStatus
from laneway.model.lane_figures import ABSENT, LanePair
from laneway.model.meshes import Mesh
from laneway.model.propagated_calls import PropagatedCalls

#: Seconds for which figures that were read are given out again.
INTERVAL = 2.0
#: How many proxies are read at a time, and how many seconds each may take.
_AT_ONCE = 16
_DEADLINE = 2.0


@dataclass(frozen=True, slots=True)
class ProxyFigures:
    """What one process of a proxy has counted since it began. ``calls`` are by lane group;
    ``application`` is the process id of the application that made them."""

    process: int
    lanes: Figures
    calls: Mapping[str, PropagatedCalls] = field(default_factory=dict)
    application: int | None = None


#: Raises ``AdminUnreachable``, or ``KeyError`` for a proxy that is gone.
ReadProxy = Callable[[str], Awaitable[ProxyFigures]]


class LaneTraffic:
    """``clock`` is in seconds."""

    def __init__(
        self,
        statuses: Callable[[], Sequence[ProxyStatus]],
        mesh: Callable[[], Mesh],
        read: ReadProxy,
        clock: Callable[[], float],
    ) -> None:
        self._statuses = statuses
        self._mesh = mesh
        self._read = read
        self._clock = clock
        self._totals = LaneTotals()
        self._call_totals = CallTotals(clock())
        self._calls = CountedCalls()
        self._at = float("-inf")
        self._reading = asyncio.Lock()

    async def figures(self) -> Figures:
        """Since the server began. A proxy that does not answer in time is left out until it
        does."""
        await self._refresh()
        return dict(self._totals.figures)

    async def calls(self) -> CountedCalls:
        """Those made while requests of lanes were inside."""
        await self._refresh()
        return self._calls

    async def _refresh(self) -> None:
        async with self._reading:
            if self._clock() - self._at >= INTERVAL:
                await self._read_all()
                self._at = self._clock()

    async def _read_all(self) -> None:
        nodes = [each.node for each in self._statuses()]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def read(node: str) -> None:
            async with turns:
                with contextlib.suppress(AdminUnreachable, KeyError, TimeoutError):
                    async with asyncio.timeout(_DEADLINE):
                        found = await self._read(node)
                    self._totals.add(node, found.process, found.lanes)
                    if (workload := workload_of(node)) is not None:
                        self._call_totals.add(
                            node, workload, found.process, found.calls, found.application
                        )

        await asyncio.gather(*map(read, nodes))
        mesh = self._mesh()
        known = _lanes_of_services(mesh)
        self._totals.keep(nodes, lambda pair: _is_known(pair, known))
        self._call_totals.keep(nodes, mesh.workloads_by_name.__contains__)
        self._calls = self._call_totals.counted(self._clock())


def _lanes_of_services(mesh: Mesh) -> Mapping[str, Collection[str]]:
    lanes: dict[str, set[str]] = {}
    for lane in mesh.lanes:
        lanes.setdefault(lane.group, {"", ABSENT}).add(lane.name)
    return {
        str(service): lanes.get(group.name, frozenset())
        for service, group in mesh.groups_by_service.items()
    }


def _is_known(pair: LanePair, lanes: Mapping[str, Collection[str]]) -> bool:
    of_service = lanes.get(pair.service, ())
    return pair.lane in of_service and pair.served in of_service
