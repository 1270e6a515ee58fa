"""The interface of a dialect: what lanes become on one platform, and how to apply it there.

Every emitter (``envoy``, ``istio``, ``gateway_api``, ``asm``) has a module ``dialect`` with one
``Dialect``. ``wiring.dialects`` registers them; the operator reconciles the objects of whichever it
is given, and knows no platform by name.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from laneway.compile.ir import MeshRoutes
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh

Manifest = Mapping[str, Any]

#: Emits the documents of a mesh. One emitter is used again and again: it may remember, and return
#: the same objects while their inputs are the same. Callers must not change them.
Emit = Callable[[Mesh, MeshRoutes], Iterable[dict[str, Any]]]
#: Lists what of a mesh the platform does not support, as warnings about the mesh's objects.
Report = Callable[[Mesh, MeshRoutes], Iterable[Finding]]
#: The object that routes the hosts of a manifest already, if it is not laneway's.
FindClaim = Callable[[Manifest], Manifest | None]

O = TypeVar("O")  # noqa: E741 - options


def _nothing(manifest: Manifest) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Parts:
    """The list in ``spec`` whose items routes refer to; ``identity`` tells its items apart."""

    field: str
    identity: Callable[[Manifest], Hashable]


@dataclass(frozen=True, slots=True)
class GeneratedKind:
    """A kind of objects that a dialect generates.

    Routes refer to objects that are not routes, and to their ``parts``. ``gateways`` are those at
    which an object lets requests in (none for routes between services), ``hosts`` those it routes.
    ``spec_fields`` are what laneway reads of such objects of others.
    """

    api_version: str
    kind: str
    plural: str
    is_route: bool = False
    parts: Parts | None = None
    gateways: Callable[[Manifest], frozenset[str]] = _nothing
    hosts: Callable[[Manifest], frozenset[str]] = _nothing
    spec_fields: tuple[str, ...] = ()


#: By kind, in the order in which objects are applied: what is referred to comes first.
Kinds = Mapping[str, GeneratedKind]


def kinds_of(*kinds: GeneratedKind) -> Kinds:
    return {each.kind: each for each in kinds}


def _no_claims(existing: Iterable[Manifest]) -> FindClaim:
    return lambda manifest: None


@dataclass(frozen=True, slots=True)
class ConfiguredDialect:
    """A dialect with its options. ``claims`` finds objects of others that route a host already,
    where the platform lets only one object do so."""

    emit: Emit
    report: Report
    kinds: Kinds = field(default_factory=dict)
    claims: Callable[[Iterable[Manifest]], FindClaim] = _no_claims


@dataclass(frozen=True, slots=True)
class Dialect(Generic[O]):
    """``emitter`` makes an emitter for options of type ``O``: what an installation decides."""

    emitter: Callable[[O], Emit]
    report: Callable[[Mesh, MeshRoutes, O], Iterable[Finding]]
    kinds: Kinds = field(default_factory=dict)
    claims: Callable[[Iterable[Manifest]], FindClaim] = _no_claims

    def configured(self, options: O) -> ConfiguredDialect:
        def report(mesh: Mesh, routes: MeshRoutes) -> Iterable[Finding]:
            return self.report(mesh, routes, options)

        return ConfiguredDialect(self.emitter(options), report, self.kinds, self.claims)
