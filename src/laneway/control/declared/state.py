"""The declared state of a mesh: an immutable value, made anew by every request. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from laneway.control.declared.objects import Objects
from laneway.control.declared.resolution import Resolution
from laneway.model.acceptance import Standing
from laneway.model.findings import Finding, ObjectKey
from laneway.model.meshes import Mesh


@dataclass(frozen=True, slots=True)
class Failure:
    """A single write that the mesh could not take. It is not tried again, so that others can be
    applied, until something is written within ``scopes``, which are all that it would change."""

    key: ObjectKey
    finding: Finding
    scopes: frozenset[Hashable]


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """``version`` is the one that this is about, as Kubernetes' ``observedGeneration``."""

    standing: Standing
    version: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class DeclaredState:
    """``version`` grows with each change."""

    version: int = 0
    objects: Objects = field(default_factory=Objects)
    resolution: Resolution = field(default_factory=Resolution)
    failures: tuple[Failure, ...] = ()

    @property
    def mesh(self) -> Mesh:
        """What is to be active: valid objects, and the last valid state of what is held."""
        return self.resolution.mesh

    def status(self, key: ObjectKey) -> ObjectStatus:
        """Raises ``KeyError`` for an object that is not declared."""
        each = self.objects.by_key[key]
        acceptance = self.resolution.acceptance
        findings = acceptance.findings.get(key, ())
        return ObjectStatus(self.resolution.standing(key), each.version, findings)
