"""The objects of the declared state, each with its source, its version and its author."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from laneway.model.findings import Finding, ObjectKey, Source
from laneway.model.keys import Declared, key_of
from laneway.model.meshes import Mesh
from laneway.schema import Alone
from laneway.schema.kind import Kind


@dataclass(frozen=True, slots=True)
class Principal:
    """The author of a change."""

    name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The document that declares an object. ``subject`` is the object's key in that document."""

    kind: Kind
    subject: ObjectKey
    source: Source


@dataclass(frozen=True)
class Declaration:
    """One object as its source declares it, without the defaults that it takes from its group.

    ``origin`` is None for an object that a Python program created.
    """

    declared: Declared
    origin: Origin | None = None

    @classmethod
    def read(cls, alone: Alone) -> Declaration | None:
        """The object of a document, or None if the document declares none."""
        if alone.declared is None or alone.kind is None:
            return None
        document = alone.document
        subject = ObjectKey(alone.kind.name, alone.kind.name_of(document))
        return cls(alone.declared, Origin(alone.kind, subject, document.source))

    @cached_property
    def key(self) -> ObjectKey:
        return key_of(self.declared)

    def place(self, finding: Finding) -> Finding:
        """The finding with the key and the location of the document that declares the object."""
        if self.origin is None:
            return finding
        origin = self.origin
        path = origin.kind.path(finding.path)
        return replace(finding, subject=origin.subject, path=path, source=origin.source)


def declarations_of(mesh: Mesh) -> tuple[Declaration, ...]:
    """Declarations for the objects of a mesh that a Python program created."""
    return tuple(map(Declaration, objects_of(mesh)))


def objects_of(mesh: Mesh) -> Iterator[Declared]:
    yield from mesh.groups
    yield from mesh.lanes
    yield from mesh.services
    yield from mesh.workloads
    yield from mesh.gateways


@dataclass(frozen=True, slots=True)
class DeclaredObject:
    """``source`` declares the object and owns it: other sources need force to change it.

    ``created`` and ``version`` are the versions of the state in which the object was declared
    first, and changed last; ``principal`` requested that change. ``taken_from`` is the source from
    which ``source`` took the object over, or "".
    """

    declaration: Declaration
    source: str
    created: int
    version: int
    principal: Principal
    taken_from: str = ""

    @property
    def declared(self) -> Declared:
        return self.declaration.declared

    @property
    def key(self) -> ObjectKey:
        return self.declaration.key


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects in the order of declaration, and by their keys."""

    ordered: tuple[DeclaredObject, ...] = ()
    by_key: Mapping[ObjectKey, DeclaredObject] = field(default_factory=dict)

    @classmethod
    def of(cls, ordered: Iterable[DeclaredObject]) -> Objects:
        objects = tuple(ordered)
        return cls(objects, {each.key: each for each in objects})
