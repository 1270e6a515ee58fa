"""Revisions: every write to declared objects, in order, and the port of what keeps them.

The log of revisions is the history, the source of watches, and what a rollback or a look at the
past reads. An object's ``resourceVersion`` is the number of the revision that wrote it last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """``resource`` is the plural with its group, as Kubernetes writes it: ``lanes.laneway.dev``.

    ``namespace`` is "" for what has none.
    """

    resource: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource} {self.namespace}/{self.name}".replace(" /", " ")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is declared, and the numbers of the revisions that wrote and created it."""

    manifest: Manifest
    revision: int
    created: int


Objects = Mapping[ObjectId, StoredObject]
#: Hears of each revision once it is kept, with what stood before where it wrote.
Listener = Callable[["Revision", Mapping[ObjectId, StoredObject | None]], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that has no number yet. ``writes``: what each object becomes; None deletes it.

    ``principal`` is who asked for it; ``source`` the field manager, such as ``kubectl``.
    """

    writes: Mapping[ObjectId, Manifest | None]
    principal: str
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One change that was made as a whole. ``at`` is in UTC."""

    number: int
    at: datetime
    draft: Draft


class StoreError(Exception):
    """The store cannot do what was asked; the message says why, and what would be right."""


class OutdatedDraft(StoreError):
    """Something was written since the revision that the draft was made from."""


class RevisionCompacted(StoreError):
    """The revision was removed by compaction."""


class DeclaredElsewhere(StoreError):
    """The draft writes an object that somebody else declares; the message says who."""


class RevisionStore(Protocol):
    """Keeps revisions. What ``append`` has returned outlives the process and the machine."""

    @property
    def latest(self) -> int:
        """The number of the last revision that is kept for good; 0 if there is none."""
        ...

    @property
    def compacted(self) -> int:
        """Revisions up to this one are gone, except what their objects still are."""
        ...

    @property
    def objects(self) -> Objects:
        """The declared objects, as of ``latest``, in the order in which they were created.

        The mapping does not change.
        """
        ...

    @property
    def submitted(self) -> int:
        """The number of the last revision that was handed to ``append``."""
        ...

    @property
    def submitted_objects(self) -> Objects:
        """The objects once all that was handed to ``append`` is kept. The mapping changes."""
        ...

    def check(self, draft: Draft) -> None:
        """Raises what ``append`` would because of a guard."""
        ...

    def guard(self, check: Callable[[Draft], None]) -> None:
        """Have ``check`` called for each draft from now on; it raises ``StoreError`` for those
        that must not be kept."""
        ...

    async def append(self, draft: Draft, *, expected: int) -> Revision:
        """Keep the draft as the revision after ``expected``, which must be ``submitted``.

        Returns when it is kept for good. Raises ``OutdatedDraft``, or ``StoreError`` when it
        cannot be kept: then none of what was submitted after it is kept either. Raises what a
        guard raises.
        """
        ...

    async def revisions(self, after: int, limit: int) -> Sequence[Revision]:
        """At most ``limit`` revisions with higher numbers than ``after``, in order.

        Raises ``RevisionCompacted`` when some of them are gone.
        """
        ...

    async def objects_at(self, number: int) -> Objects:
        """The objects as of a revision. Raises ``RevisionCompacted``, or ``StoreError`` for a
        number that no revision has yet."""
        ...

    async def last_before(self, moment: datetime) -> int:
        """The last revision that is older than ``moment``, as are all before it."""
        ...

    async def compact(self, number: int) -> None:
        """Remove the history up to ``number``; all objects as of it, and what follows, stay."""
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called for each revision from now on, until the result is called."""
        ...

    async def close(self) -> None: ...


def write(objects: dict[ObjectId, StoredObject], number: int, draft: Draft) -> None:
    """Carry a revision's writes out on ``objects``."""
    for key, manifest in draft.writes.items():
        if manifest is None:
            objects.pop(key, None)
        else:
            before = objects.get(key)
            objects[key] = StoredObject(manifest, number, before.created if before else number)
