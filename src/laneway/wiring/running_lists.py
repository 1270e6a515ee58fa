"""Lists that are read from the running mesh: its proxies, and the traffic that they counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from laneway.apiserver import traffic
from laneway.apiserver.proxy_lists import Rejection, proxy
from laneway.apiserver.traffic import Figures
from laneway.apiserver.virtual_resources import PROXY, TRAFFIC, VirtualResource
from laneway.control.call_totals import CountedCalls
from laneway.control.proxies import ProxyStatus
from laneway.control.revisions import Manifest, ObjectId
from laneway.model.meshes import Mesh
from laneway.wiring.live_lists import LiveList

#: Seconds between updates of watches.
_PROXY_PERIOD, _TRAFFIC_PERIOD = 1.0, 2.0
#: The number of revisions that a watch may be behind. Each one replaces all figures.
_PROXIES, _FIGURES = 1000, 5


@dataclass(frozen=True, slots=True)
class RunningLists:
    """``rejections`` are by node."""

    statuses: Callable[[], Sequence[ProxyStatus]]
    mesh: Callable[[], Mesh]
    figures: Callable[[], Awaitable[Figures]]
    calls: Callable[[], Awaitable[CountedCalls]]
    rejections: Mapping[str, Rejection] = field(default_factory=dict)

    def proxies(self, now: Callable[[], datetime]) -> LiveList:
        async def current() -> Mapping[ObjectId, Manifest]:
            found = (proxy(each, self.rejections.get(each.node)) for each in self.statuses())
            return _by_id(PROXY, found)

        return LiveList(current, now, kept=_PROXIES, period=_PROXY_PERIOD)

    def traffic(self, now: Callable[[], datetime]) -> LiveList:
        async def current() -> Mapping[ObjectId, Manifest]:
            figures, calls = await self.figures(), await self.calls()
            return _by_id(TRAFFIC, traffic.traffic(self.mesh(), figures, calls))

        return LiveList(current, now, kept=_FIGURES, period=_TRAFFIC_PERIOD)


def _by_id(
    resource: VirtualResource, manifests: Iterable[dict[str, Any]]
) -> Mapping[ObjectId, Manifest]:
    return {ObjectId(resource.qualified, "", each["metadata"]["name"]): each for each in manifests}
