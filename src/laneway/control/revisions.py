"""Revisions: all writes to declared objects, in order, and the port to the store that keeps them.

The log of revisions is the history. Watches, rollbacks and reads of earlier states use it. The
``resourceVersion`` of an object is the number of the revision that wrote it last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """``resource`` is the plural with its group, as in Kubernetes: ``lanes.laneway.dev``.

    ``namespace`` is "" for objects without a namespace.
    """

    resource: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource} {self.namespace}/{self.name}".replace(" /", " ")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A declared object, with the numbers of the revisions that wrote and created it."""

    manifest: Manifest
    revision: int
    created: int


Objects = Mapping[ObjectId, StoredObject]
#: Called with each revision that is kept, and with the objects before it that it wrote.
Listener = Callable[["Revision", Mapping[ObjectId, StoredObject | None]], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision that has no number yet. ``writes`` are the new objects; None deletes an object.

    ``principal`` requested it; ``source`` is the field manager, such as ``kubectl``. ``force``
    takes over objects that others declare.
    """

    writes: Mapping[ObjectId, Manifest | None]
    principal: str
    source: str
    reason: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One atomic change. ``at`` is in UTC."""

    number: int
    at: datetime
    draft: Draft


class StoreError(Exception):
    """The store refuses a request. The message says why, and what would be right."""


class OutdatedDraft(StoreError):
    """Something was written since the revision that the draft was made from."""


class RevisionCompacted(StoreError):
    """The revision was removed by compaction."""


class DeclaredElsewhere(StoreError):
    """The draft writes an object that another source declares. The message names the source."""


class RevisionStore(Protocol):
    """Keeps revisions. A revision that ``append`` has returned survives a crash of the machine."""

    @property
    def latest(self) -> int:
        """The number of the last revision that is kept durably, or 0."""
        ...

    @property
    def compacted(self) -> int:
        """The last revision that was removed from the history. Its objects are still known."""
        ...

    @property
    def objects(self) -> Objects:
        """The declared objects as of ``latest``, in the order of creation.

        The mapping is immutable.
        """
        ...

    @property
    def submitted(self) -> int:
        """The number of the last revision that was passed to ``append``."""
        ...

    @property
    def submitted_objects(self) -> Objects:
        """The objects as of ``submitted``. The mapping changes with each ``append``."""
        ...

    def check(self, draft: Draft) -> None:
        """Raises the exception that a guard would raise in ``append``."""
        ...

    def guard(self, check: Callable[[Draft], None]) -> None:
        """Calls ``check`` for each draft from now on. It raises ``StoreError`` for a draft that
        must not be kept."""
        ...

    async def append(self, draft: Draft, *, expected: int) -> Revision:
        """Keeps the draft as the revision after ``expected``, which must be ``submitted``.

        Returns when it is kept durably. Raises ``OutdatedDraft``, the exception of a guard, or
        ``StoreError`` if it cannot be kept; then no later draft is kept either.
        """
        ...

    async def settled(self) -> int:
        """Returns ``latest`` when all drafts submitted so far are kept durably, or have failed."""
        ...

    async def revisions(self, after: int, limit: int) -> Sequence[Revision]:
        """At most ``limit`` revisions with higher numbers than ``after``, in order.

        Raises ``RevisionCompacted`` if some of them have been removed.
        """
        ...

    async def objects_at(self, number: int) -> Objects:
        """The objects as of a revision. Raises ``RevisionCompacted``, or ``StoreError`` if there is
        no such revision yet."""
        ...

    async def last_before(self, moment: datetime) -> int:
        """The last revision before ``moment``."""
        ...

    async def compact(self, number: int) -> None:
        """Removes the history up to ``number``. The objects as of it, and later revisions, stay."""
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls ``listener`` for each revision from now on. Call the result to end this."""
        ...

    async def close(self) -> None: ...


def write(objects: dict[ObjectId, StoredObject], number: int, draft: Draft) -> None:
    """Applies the writes of a revision to ``objects``."""
    for key, manifest in draft.writes.items():
        if manifest is None:
            objects.pop(key, None)
        else:
            before = objects.get(key)
            objects[key] = StoredObject(manifest, number, before.created if before else number)
