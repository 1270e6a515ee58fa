"""Checks between objects: what is wrong with a mesh though each of its objects is well formed.

One module a subject. Findings name the object and the field in laneway's own terms; ``decode``
fills in where that stands in the input.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks import (
    called_urls,
    callers,
    calls,
    entering,
    groups,
    ingress,
    lane_lives,
    path_regexes,
    policies,
    references,
    rule_actions,
    services,
    shared_workloads,
    unseen_requests,
    workloads,
)
from laneway.model.checks.gaps import Gaps
from laneway.model.findings import Finding
from laneway.model.machine_defaults import attributed
from laneway.model.meshes import Mesh

__all__ = ["Gaps", "check"]


def check(mesh: Mesh, gaps: Gaps | None = None) -> Iterator[Finding]:
    """Everything wrong or doubtful between the objects of ``mesh``, ``gaps`` considered."""
    yield from attributed(mesh, _findings(mesh, gaps or Gaps()))


def _findings(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    yield from references.check(mesh, gaps)
    yield from services.check(mesh, gaps)
    yield from groups.check(mesh, gaps)
    yield from policies.check(mesh, gaps)
    yield from lane_lives.check(mesh, gaps)
    yield from ingress.check(mesh, gaps)
    yield from unseen_requests.check(mesh, gaps)
    yield from rule_actions.check(mesh, gaps)
    yield from entering.check(mesh, gaps)
    yield from path_regexes.check(mesh, gaps)
    yield from workloads.check(mesh, gaps)
    yield from calls.check(mesh, gaps)
    yield from called_urls.check(mesh, gaps)
    yield from shared_workloads.check(mesh, gaps)
    yield from callers.check(mesh, gaps)
