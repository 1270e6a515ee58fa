"""Paths: what a request went through, in a form that every reader of a mesh can tell."""

from __future__ import annotations

from laneway.compile.simulate import Outcome
from laneway.model.names import ObjectName

#: By hop, the host and which workloads may answer; last, the status of a path that ends early.
Path = list[tuple[str, tuple[ObjectName, ...]] | int]


def simulated(outcome: Outcome) -> Path:
    path: Path = [(hop.service.host, hop.workloads) for hop in outcome.hops]
    if outcome.failure is not None and outcome.failure.status is not None:
        path.append(outcome.failure.status)
    return path
