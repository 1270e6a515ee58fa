"""Applying what was read to a running mesh. Prints nothing: the outcome is for others to tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from laneway.adapters.runner.errors import RunnerError
from laneway.model.meshes import Mesh
from laneway.schema.reports import change_reports
from laneway.wiring.embedded import Embedded


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The mesh is what runs already."""


@dataclass(frozen=True, slots=True)
class Applied:
    """``late`` are proxies that have not answered yet; ``seconds`` is what the change took."""

    differences: Sequence[str]
    seconds: float
    late: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """What ran before runs on: something could not be started, or proxies rejected the change."""

    differences: Sequence[str]
    rejections: Sequence[str] = ()
    reason: str = ""


Outcome = Unchanged | Applied | Refused


async def apply(
    embedded: Embedded, mesh: Mesh, clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Change ``embedded`` to ``mesh`` as a whole, or not at all."""
    if mesh == embedded.mesh:
        return Unchanged()
    changed = tuple(differences(embedded.mesh, mesh))
    began = clock()
    try:
        change = await embedded.change(mesh)
    except (RunnerError, OSError) as error:
        return Refused(changed, reason=str(error))
    if not change.applied:
        return Refused(changed, rejections=tuple(change.rejections))
    return Applied(changed, clock() - began, tuple(change.late))


def differences(before: Mesh, after: Mesh) -> Iterator[str]:
    """In words: ``+lane test/s4``, ``-workload default/x``, ``~group test (spec.mode)``."""
    signs = {"added": "+", "changed": "~", "removed": "-"}
    for report in change_reports(before, after):
        kind = "group" if report.kind == "LaneGroup" else report.kind.lower()
        fields = f" ({', '.join(report.fields)})" if report.fields else ""
        yield f"{signs[report.change]}{kind} {report.name}{fields}"
