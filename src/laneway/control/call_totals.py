"""The calls that proxies counted while requests of lanes were inside, by workload and lane group.

Totals go on when a proxy is replaced, as ``lane_totals`` has it. Recent counts are of the
applications' present processes alone: a service whose code was mended begins anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from laneway.model.lane_propagation import Calls
from laneway.model.names import ObjectName
from laneway.model.propagated_calls import PropagatedCalls

#: Seconds that recent counts go back, and the least between two of those that are kept. Where
#: nobody reads for longer, they go back to the reading before.
WINDOW = 600.0
_STEP = 30.0

_Key = TypeVar("_Key")
#: By node and lane group.
_ByNode = dict[tuple[str, str], PropagatedCalls]


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """By workload and lane group: all calls since laneway began, and those of the last
    ``seconds``."""

    totals: Calls = field(default_factory=dict)
    recent: Calls = field(default_factory=dict)
    seconds: float = 0.0


class CallTotals:
    """``now`` is in seconds, and that at which counting begins."""

    def __init__(self, now: float) -> None:
        self._live: _ByNode = {}
        self._gone: dict[tuple[ObjectName, str], PropagatedCalls] = {}
        #: By node, the process and what it had counted when it was read last.
        self._last: dict[str, tuple[int, Mapping[str, PropagatedCalls]]] = {}
        #: By node, the workload that it is beside, and the process of its application.
        self._workloads: dict[str, ObjectName] = {}
        self._applications: dict[str, int] = {}
        self._history: deque[tuple[float, _ByNode]] = deque([(now, {})])

    def add(
        self,
        node: str,
        workload: ObjectName,
        process: int,
        read: Mapping[str, PropagatedCalls],
        application: int | None = None,
    ) -> None:
        """``read`` is all that this process of the workload's proxy has counted since it began.
        ``application`` is the process id of the application behind it, if there is one."""
        self._workloads[node] = workload
        last, before = self._last.get(node, (process, {}))
        if last != process:
            before = {}
        for group, calls in read.items():
            since = calls.since(before.get(group, PropagatedCalls()))
            _add(self._live, (node, group), since)
        self._last[node] = process, read
        if application is not None:
            if self._applications.get(node, application) != application:
                self._forget_recent(node)
            self._applications[node] = application

    def keep(self, nodes: Collection[str], known: Callable[[ObjectName], bool]) -> None:
        """Forget all other proxies, and the workloads that are not known."""
        self._last = {node: last for node, last in self._last.items() if node in nodes}
        self._applications = {n: pid for n, pid in self._applications.items() if n in nodes}
        for node, group in [key for key in self._live if key[0] not in nodes]:
            calls = self._live.pop((node, group))
            _add(self._gone, (self._workloads[node], group), calls)
        self._gone = {key: calls for key, calls in self._gone.items() if known(key[0])}
        self._workloads = {n: name for n, name in self._workloads.items() if n in nodes}

    def counted(self, now: float) -> CountedCalls:
        """To be called after each reading: what is there now becomes a part of the history."""
        while len(self._history) > 1 and self._history[1][0] <= now - WINDOW:
            self._history.popleft()
        began, before = self._history[0]
        totals, recent = dict(self._gone), dict[tuple[ObjectName, str], PropagatedCalls]()
        for (node, group), calls in self._live.items():
            key = (self._workloads[node], group)
            _add(totals, key, calls)
            _add(recent, key, calls.since(before.get((node, group), PropagatedCalls())))
        if now - self._history[-1][0] >= _STEP:
            self._history.append((now, dict(self._live)))
        return CountedCalls(totals, recent, now - began)

    def _forget_recent(self, node: str) -> None:
        """What was counted up to now was of another process."""
        for _, before in self._history:
            before.update({key: calls for key, calls in self._live.items() if key[0] == node})


def _add(counts: dict[_Key, PropagatedCalls], key: _Key, calls: PropagatedCalls) -> None:
    counts[key] = counts.get(key, PropagatedCalls()) + calls
