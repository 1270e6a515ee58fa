"""The field ``traceMemory`` of a LaneGroup: what its sidecars remember of trace ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator

from laneway.model.findings import Finding
from laneway.model.lanes import LaneGroup, MemoryLimits, Propagation
from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import Shape, wrong
from laneway.schema.kind import no_effect

# As the lane filter has them (``filter/src/config.zig``).
_LONGEST, _MOST_SETS = 24 * 60 * 60, 1 << 20


def _seconds(number: int) -> int:
    if not 1 <= number <= _LONGEST:
        raise wrong(f"{number} is out of range", f"write 1 to {_LONGEST} seconds (a day)")
    return number


def _sets(number: int) -> int:
    if not 1 <= number <= _MOST_SETS:
        raise wrong(f"{number} is out of range", f"write 1 to {_MOST_SETS}")
    return number


class TraceMemorySpec(Shape):
    ttl_seconds: Annotated[
        Annotated[
            int,
            AfterValidator(_seconds),
            Constraint("1 to 86400", "1 至 86400", minimum=1, maximum=_LONGEST),
        ]
        | None,
        About(
            "For how long a lane is remembered after its request came in. It is remembered for "
            "longer while the request is open, and while it makes calls; 300, if not given.",
            "收到请求后记住其泳道的时间（秒）；请求尚未结束或仍在发出调用时会自动延长。默认 300。",
            600,
        ),
    ] = None
    sets: Annotated[
        Annotated[
            int,
            AfterValidator(_sets),
            Constraint("1 to 1048576", "1 至 1048576", minimum=1, maximum=_MOST_SETS),
        ]
        | None,
        About(
            "How many sets of 16 trace ids a sidecar has room for; 16384, if not given.",
            "每个边车可容纳的集合数量，每个集合存放 16 个链路 ID；默认 16384。",
            65536,
        ),
    ] = None

    @property
    def limits(self) -> MemoryLimits:
        return MemoryLimits(self.ttl_seconds, self.sets)

    @classmethod
    def written(cls, limits: MemoryLimits) -> TraceMemorySpec | None:
        if limits == MemoryLimits():
            return None
        return cls.of(ttl_seconds=limits.ttl_seconds, sets=limits.sets)


def unused_memory(group: LaneGroup) -> Iterator[Finding]:
    """A warning where sidecars remember nothing, since applications pass on the lane itself."""
    if group.trace_memory != MemoryLimits() and group.propagation is not Propagation.TRACE:
        why = f"lanes travel in {group.trace_header} itself, so no trace ids are remembered"
        yield no_effect(("spec", "traceMemory"), why, "remove it, or name a trace header")
