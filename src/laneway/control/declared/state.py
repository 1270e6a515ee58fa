"""The declared state of a mesh: an immutable value. Every request leads to a new one. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from laneway.control.declared.objects import Objects
from laneway.control.declared.resolution import Resolution
from laneway.model.acceptance import Standing
from laneway.model.findings import Finding, ObjectKey
from laneway.model.meshes import Mesh


@dataclass(frozen=True, slots=True)
class Failure:
    """A single write that could not be programmed.

    It is not tried again until something is written within ``scopes``, the parts of the mesh that
    it changes. So other writes can be applied meanwhile.
    """

    key: ObjectKey
    finding: Finding
    scopes: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """``version`` is that of the object, like Kubernetes' ``observedGeneration``."""

    standing: Standing
    version: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DeclaredState:
    """``version`` grows with each change. ``baselines`` are those of lane groups that have been
    accepted, by group: one that names none keeps it."""

    version: int = 0
    objects: Objects = field(default_factory=Objects)
    resolution: Resolution = field(default_factory=Resolution)
    failures: tuple[Failure, ...] = ()
    baselines: Mapping[str, str] = field(default_factory=dict)

    @property
    def mesh(self) -> Mesh:
        """The mesh that is to be active: valid objects, and the last valid state of others."""
        return self.resolution.mesh

    def status(self, key: ObjectKey) -> ObjectStatus:
        """Raises ``KeyError`` for an object that is not declared."""
        each = self.objects.by_key[key]
        acceptance = self.resolution.acceptance
        findings = acceptance.findings.get(key, ())
        return ObjectStatus(self.resolution.standing(key), each.version, findings)


@dataclass(frozen=True, slots=True)
class Transition:
    """A request that was applied. ``active`` is the mesh that ran before it."""

    before: DeclaredState
    after: DeclaredState
    active: Mesh
