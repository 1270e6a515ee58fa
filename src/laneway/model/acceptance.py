"""Decides which declared objects are valid together, and what happens to the others. Pure.

One invalid object must not block the others. An object with errors that is not active is left out.
If it is active, applications rely on its last valid state. Then its whole lane group is *held*:
nothing of the group changes until the errors are gone.

The operator and ``control.declared`` both use this function, so an object is accepted or refused
for the same reasons on one machine and in a cluster. They hold a group in different ways: a machine
keeps the group's last valid objects, a cluster keeps the objects that were generated from them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from laneway.model.findings import Finding
from laneway.model.meshes import Mesh

K = TypeVar("K", bound=Hashable)

#: Returns the mesh of some of the objects, by their keys, and their errors.
Judge = Callable[[Collection[K]], tuple[Mesh, Mapping[K, Sequence[Finding]]]]


@dataclass(frozen=True, slots=True)
class Candidate(Generic[K]):
    """``group`` is the name of the lane group that the object is, or refers to. It is None for
    services, gateways and workloads. ``active``: some state of the object is active."""

    key: K
    group: str | None = None
    is_group: bool = False
    active: bool = False


class Standing(enum.Enum):
    """The result for a declared object."""

    ACCEPTED = "accepted"
    #: Its last valid state, if it had one, stays active.
    HELD = "held"
    NOT_ACCEPTED = "not accepted"
    GROUP_NOT_ACCEPTED = "group not accepted"


@dataclass(frozen=True)
class Acceptance(Generic[K]):
    """``mesh`` is of the objects that are accepted. ``findings`` are the errors of the others,
    ``held`` names lane groups, and ``left_out`` are all objects that are not in ``mesh``."""

    mesh: Mesh = field(default_factory=Mesh)
    findings: Mapping[K, tuple[Finding, ...]] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    left_out: frozenset[K] = frozenset()

    def standing(self, candidate: Candidate[K]) -> Standing:
        if candidate.group in self.held and candidate.active:
            return Standing.HELD
        if candidate.key not in self.left_out:
            return Standing.ACCEPTED
        if self.findings.get(candidate.key):
            return Standing.NOT_ACCEPTED
        return Standing.GROUP_NOT_ACCEPTED


def accept(candidates: Iterable[Candidate[K]], judge: Judge[K]) -> Acceptance[K]:
    """Leaves objects with errors out until the remaining ones have none.

    The lanes of a group that has errors, or is held, are left out with it. Candidates are in the
    order of declaration.
    """
    standing = {each.key: each for each in candidates}
    everything = dict(standing)
    groups = {each.group for each in standing.values() if each.is_group}
    found: dict[K, list[Finding]] = {}
    held: set[str] = set()
    while True:
        mesh, errors = judge(tuple(standing))
        if not errors:
            break
        for key, findings in errors.items():
            found.setdefault(key, []).extend(findings)
            candidate = standing.pop(key, None)
            if candidate is None or candidate.group is None:
                continue  # it was left out with its group already, or it stands in no group
            if candidate.active and candidate.group in groups:
                held.add(candidate.group)
            if candidate.is_group or candidate.group in held:
                for other in [k for k, c in standing.items() if c.group == candidate.group]:
                    del standing[other]
    return Acceptance(
        mesh,
        {key: tuple(findings) for key, findings in found.items()},
        frozenset(held),
        frozenset(everything.keys() - standing.keys()),
    )
