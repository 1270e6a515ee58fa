"""Requests to the declared state: change sets and single writes.

A change set, as files and consoles send it, is refused as a whole if anything in it is invalid. A
single write is accepted as by the operator, because objects arrive one by one and in any order: an
invalid object is stored, and its lane group stays in its last valid state until the errors are
gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.control.declared.objects import Declaration
from laneway.model.findings import Finding, ObjectKey


@dataclass(frozen=True, slots=True)
class Put:
    """Creates or replaces an object. ``version`` is the one that the writer has seen: 0 if there
    was no such object, None if any version may be replaced. ``recorded_baseline`` is that in the
    status of a lane group.
    """

    declaration: Declaration
    version: int | None = None
    recorded_baseline: str | None = None

    @property
    def key(self) -> ObjectKey:
        return self.declaration.key


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes an object. ``version`` is as in ``Put``."""

    key: ObjectKey
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ReplaceAll:
    """The source declares exactly these objects, in this order. Its other objects are removed."""

    declarations: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """``force`` takes over objects that other sources own.

    ``checked`` says that the objects are valid together. They are checked again only if other
    sources declare objects, too.
    """

    source: str
    edits: tuple[Put | Remove, ...] | ReplaceAll
    force: bool = False
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A single write. ``force`` is as in ``ChangeSet``."""

    source: str
    edit: Put | Remove
    force: bool = False


@dataclass(frozen=True, slots=True)
class Writes:
    """Objects that were written one by one in a short time.

    They are accepted like ``Write`` and programmed together. If that fails, they are refused and
    may be tried one by one.

    ``order`` is the order of the source's objects afterwards, as far as it names them: an object
    that was deleted and declared again comes last. ``failed`` are objects that could not be
    programmed before, and why; they are not tried.
    """

    source: str
    edits: tuple[Put | Remove, ...]
    force: bool = False
    order: tuple[ObjectKey, ...] = ()
    failed: Mapping[ObjectKey, Finding] = field(default_factory=dict)


Request = ChangeSet | Write | Writes
