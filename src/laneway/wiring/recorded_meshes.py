"""A running mesh as the documents of its objects, which another version of laneway can read. Pure.

A program that replaces itself (``handover``) passes them on. The store may have newer objects that
are not valid, and then the mesh has their last valid state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from laneway.control.declared.objects import objects_of
from laneway.model.findings import ObjectKey, Source
from laneway.model.gateways import Gateway
from laneway.model.keys import Declared
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.services import Service
from laneway.model.workloads import Workload
from laneway.schema import Document, encode, read_alone

D = TypeVar("D", bound=Declared)
_SOURCE = Source("the running mesh")


class MeshUnreadable(Exception):
    """A document of a recorded mesh declares no object for this version of laneway."""


@dataclass(frozen=True, slots=True)
class RecordedObject:
    """``assumed_for`` is set for a Service or Gateway that no document declares."""

    document: dict[str, Any]
    assumed_for: ObjectKey | None = None


def recorded(mesh: Mesh) -> tuple[RecordedObject, ...]:
    """Its objects, in the order of the mesh."""
    return tuple(
        RecordedObject(encode(each), getattr(each, "assumed_for", None))
        for each in objects_of(mesh)
    )


def mesh_of_recorded(objects: Iterable[RecordedObject]) -> Mesh:
    """The same mesh. Raises ``MeshUnreadable``."""
    declared = [_declared(each) for each in objects]
    return Mesh(
        groups=_of(LaneGroup, declared),
        lanes=_of(Lane, declared),
        services=_of(Service, declared),
        workloads=_of(Workload, declared),
        gateways=_of(Gateway, declared),
    )


def _declared(recorded: RecordedObject) -> Declared:
    read = read_alone(Document(recorded.document, _SOURCE))
    declared = read.declared
    if declared is None:
        why = "; ".join(finding.field_explanation for finding in read.findings)
        raise MeshUnreadable(f"an object of the running mesh cannot be read: {why}")
    if recorded.assumed_for and isinstance(declared, Service | Gateway):
        return replace(declared, assumed_for=recorded.assumed_for)
    return declared


def _of(kind: type[D], declared: Iterable[Declared]) -> tuple[D, ...]:
    return tuple(each for each in declared if isinstance(each, kind))
