"""The objects that files declare, for the API of ``laneway up``.

Files are applied to the declared state, as one change set, before they appear here. They own their
objects: the API refuses writes to them, and says which file to change. A client that takes an
object over by force owns it from then on, and the next save of the files is refused with that
conflict. Statuses can always be written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from laneway.adapters.files import Reading
from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import Resource
from laneway.control.declared import ChangeSet, ReplaceAll
from laneway.control.revisions import (
    DeclaredElsewhere,
    Draft,
    Manifest,
    ObjectId,
    Revision,
    RevisionStore,
    StoredObject,
)
from laneway.model.findings import Source
from laneway.schema import Document
from laneway.wiring.document_objects import DocumentObjects
from laneway.wiring.reconciliation import Reconciliation

#: The source and field manager of objects from files.
FILES = "files"
_BACK = (
    "from now on what the files say of it is refused as a conflict, until they say the same, or "
    "nothing, of it"
)


def as_declared(reading: Reading) -> ChangeSet:
    """A request that the files declare exactly these objects, which have been checked."""
    return ChangeSet(FILES, ReplaceAll(reading.declarations), checked=True)


class FileObjects:
    """``uid`` returns a new uid with each call. ``report`` gets the errors that the API cannot
    show."""

    def __init__(
        self,
        store: RevisionStore,
        reconciliation: Reconciliation,
        resources: Iterable[Resource],
        now: Callable[[], datetime],
        uid: Callable[[], str],
        report: Callable[[str], None],
    ) -> None:
        self._store = store
        self._reconciliation = reconciliation
        self._documents = DocumentObjects(resources, FILES, now, uid)
        self._report = report
        self._sources: dict[ObjectId, Source] = {}
        self._draft: Draft | None = None
        store.guard(self._check)
        store.listen(self._hear)

    async def show(self, documents: Iterable[Document]) -> None:
        """Replaces all objects of the files by these."""
        changes: dict[ObjectId, Manifest | None] = {}
        sources: dict[ObjectId, Source] = {}
        for document in documents:
            key = self._documents.key(document)
            if key in sources:
                self._report(f"{key} is declared twice, in several groups: the API shows one")
                continue
            sources[key] = document.source
            live = self._store.submitted_objects.get(key)
            try:
                manifest = self._documents.manifest(document, live)
            except Failure as failure:
                self._report(f"the API does not show {key}: {failure}")
                continue
            if live is None or live.manifest != manifest:
                changes[key] = manifest
        gone = self._sources.keys() - sources.keys()
        changes |= {key: None for key in gone if key in self._store.submitted_objects}
        self._sources = sources
        if changes:
            self._draft = Draft(changes, "laneway up", FILES, "files")
            await self._reconciliation.append(self._draft)
        self._reconciliation.wake()

    def declares(self, manifest: Mapping[str, Any]) -> bool:
        """Whether the object is declared by files, and so changed there."""
        return self._documents.key_of(manifest) in self._sources

    def _check(self, draft: Draft) -> None:
        if draft is self._draft or draft.force:
            return
        objects = self._store.submitted_objects
        for key, manifest in draft.writes.items():
            source = self._sources.get(key)
            live = objects.get(key)
            if source is None or (manifest and live and _same(manifest, live.manifest)):
                continue
            raise DeclaredElsewhere(
                f'{key.resource} "{key.name}" is declared by {FILES} ({source}): '
                "change it there, or take it over by `force`"
            )

    def _hear(self, revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
        if revision.draft.force:
            for key in revision.draft.writes:
                if self._sources.pop(key, None) is not None:
                    self._report(f"{key} was taken over by {revision.draft.principal}: {_BACK}")


def _same(one: Manifest, other: Manifest) -> bool:
    """Compares all but the status."""
    return _without_status(one) == _without_status(other)


def _without_status(manifest: Manifest) -> Mapping[str, Any]:
    return {name: value for name, value in manifest.items() if name != "status"}
