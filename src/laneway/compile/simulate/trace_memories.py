"""Simulates the trace memories of sidecars (``filter/``) as an immutable value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from laneway.compile.ir import Carrier, TraceMemory
from laneway.compile.simulate.outcomes import Reason, Why
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.model.names import ObjectName
from laneway.model.trace_contexts import trace_id

Headers = Mapping[str, str]
_LANE_LIMIT = 63


@dataclass(frozen=True, slots=True)
class TraceMemories:
    """(sidecar, trace id) -> lane, or ``""`` for none. ``receive`` returns a new value."""

    lanes: Mapping[tuple[ObjectName, str], str] = field(default_factory=dict)

    def receive(
        self, memory: Carrier | None, workloads: Iterable[ObjectName], headers: Headers
    ) -> TraceMemories:
        """The memories after a request with ``headers`` (lower-case names) to all ``workloads``.

        The latest request of a trace id counts, even if it has no lane.
        """
        if not isinstance(memory, TraceMemory):
            return self
        trace = _trace_id(memory, headers)
        if trace is None:
            return self
        lane = headers.get(memory.route_header.lower(), "")
        if len(lane) > _LANE_LIMIT or "," in lane:
            lane = ""
        latest = {(w, trace): lane for w in workloads if lane or (w, trace) in self.lanes}
        return TraceMemories({**self.lanes, **latest})

    def send(
        self, memory: Carrier | None, workload: ObjectName, headers: Headers
    ) -> tuple[Headers, tuple[Reason, ...]]:
        """The headers with which a call leaves the sidecar of ``workload``, and why.

        The remembered lane overrides a route header that the application sets.
        """
        if not isinstance(memory, TraceMemory):
            return headers, ()
        trace = _trace_id(memory, headers)
        lane = self.lanes.get((workload, trace)) if trace else None
        if trace is None or lane is None:
            return headers, ()
        others = {k: v for k, v in headers.items() if k != memory.route_header.lower()}
        header = memory.trace_header
        if not lane:
            said = Phrase.TRACE_WITHOUT_LANE
            return others, (reason(Why.MEMORY, said, header=header, trace=trace),)
        named = {**others, memory.route_header.lower(): lane}
        said = Phrase.TRACE_IN_LANE
        return named, (reason(Why.MEMORY, said, header=header, trace=trace, lane=lane),)


def _trace_id(memory: TraceMemory, headers: Headers) -> str | None:
    return trace_id(memory.trace_header, headers.get(memory.trace_header.lower(), ""))
