"""The declared state of a mesh: an immutable value, made anew by every request. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from laneway.control.declared.objects import DeclaredObject
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
    """``version`` grows with each change. The objects are in the order of declaration."""

    version: int = 0
    objects: tuple[DeclaredObject, ...] = ()
    resolution: Resolution = field(default_factory=Resolution)
    failures: tuple[Failure, ...] = ()

    @property
    def mesh(self) -> Mesh:
        """What is to be active: valid objects, and the last valid state of what is held."""
        return self.resolution.mesh

    @cached_property
    def by_key(self) -> Mapping[ObjectKey, DeclaredObject]:
        return {each.key: each for each in self.objects}

    def status(self, key: ObjectKey) -> ObjectStatus:
        """Raises ``KeyError`` for an object that is not declared."""
        each = self.by_key[key]
        acceptance = self.resolution.acceptance
        findings = acceptance.findings.get(key, ())
        return ObjectStatus(self.resolution.standing(key), each.version, findings)
