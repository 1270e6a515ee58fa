"""From the store to the running mesh, and back to the statuses.

Every revision that a client writes is applied to the declared state. Revisions that come in while
one is brought about are applied together. What the mesh cannot take stays in the store, and its
status says why; the mesh runs on as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from laneway.apiserver.lane_status import CountInstances, Proxies, lane_status, unreadable_status
from laneway.control.declared import (
    Declaration,
    Declarations,
    NotProgrammed,
    Principal,
    Put,
    Refused,
    Remove,
    Write,
    Writes,
)
from laneway.control.revisions import (
    Draft,
    Manifest,
    ObjectId,
    OutdatedDraft,
    Revision,
    RevisionStore,
    StoredObject,
    StoreError,
)
from laneway.model.findings import Finding, ObjectKey, Severity, Source
from laneway.model.times import timestamp
from laneway.schema import Alone, Document, read_alone

#: The source of all that the store holds, and the field manager of statuses.
STORE, LANEWAY = "store", "laneway"
#: The reason of a revision that writes nothing but statuses.
STATUS = "status"
#: Seconds for which events of proxies and processes, which come in bursts, are gathered.
_SETTLE = 0.1
_WITH_STATUS = ("lanegroups.laneway.dev", "lanes.laneway.dev")
_READ = ("apiVersion", "kind", "spec")
_METADATA = ("name", "namespace", "labels", "annotations")


def declaration(key: ObjectId, manifest: Manifest) -> Declaration | None:
    """What an object in the store declares; None if that is nothing, or it cannot be read."""
    return Declaration.read(_read(key, manifest))


def errors_of(key: ObjectId, manifest: Manifest) -> tuple[Finding, ...]:
    """Why an object in the store cannot be read, as after an upgrade that changed its kind."""
    return _errors(_read(key, manifest))


def _errors(read: Alone) -> tuple[Finding, ...]:
    if read.declared is not None:
        return ()
    return tuple(each for each in read.findings if each.severity is Severity.ERROR)


def _read(key: ObjectId, manifest: Manifest) -> Alone:
    metadata = {name: manifest["metadata"].get(name) for name in _METADATA}
    written = {name: manifest[name] for name in _READ if name in manifest}
    written["metadata"] = {name: value for name, value in metadata.items() if value}
    return read_alone(Document(written, Source(str(key), None)))


def declared_at_start(objects: Mapping[ObjectId, StoredObject]) -> Writes:
    """All that the store holds, in the order of creation, which stores keep."""
    read = (declaration(key, stored.manifest) for key, stored in objects.items())
    return Writes(STORE, tuple(Put(each) for each in read if each is not None))


def edits_between(
    key: ObjectId, before: Manifest | None, after: Manifest | None, known: Container[ObjectKey]
) -> Iterator[Put | Remove]:
    """What became of an object, for a state that knows these. A lane may have changed its group."""
    now = declaration(key, after) if after is not None else None
    was = declaration(key, before) if before is not None else None
    moved = was is not None and (now is None or now.key != was.key)
    if was is not None and moved and was.key in known:
        yield Remove(was.key)
    if now is not None:
        yield Put(now)


class Reconciliation:
    """Runs as a task of ``run``. ``proxies`` and ``instances`` look at the running mesh.

    ``started`` is false where nothing of the store has been brought about yet: the first pass does.
    """

    def __init__(
        self,
        store: RevisionStore,
        declarations: Declarations,
        proxies: Callable[[], Proxies],
        instances: CountInstances,
        now: Callable[[], datetime],
        report: Callable[[str], None],
        *,
        started: bool = True,
    ) -> None:
        self._store = store
        self._declarations = declarations
        self._proxies = proxies
        self._instances = instances
        self._now = now
        self._report = report
        self._waiting: dict[ObjectId, StoredObject | None] = {}
        if not started:
            self._waiting = dict.fromkeys(store.objects)
        #: Stays in the store, and declares nothing until it is written again.
        self.unreadable: dict[ObjectId, tuple[Finding, ...]] = {}
        self._keys: dict[ObjectId, ObjectKey] = {}
        for key, stored in store.objects.items():
            self._read(key, stored.manifest)
            if errors := self.unreadable.get(key):
                self._report(f"{key} in the store cannot be read: {_sentences(errors)}")
        self._woken, self._written = asyncio.Event(), asyncio.Event()
        #: Drafts under way that the declared state need not be told of. They are known by identity:
        #: a client chooses the name of its field manager.
        self._applied: list[Draft] = []
        self._done, self._began = store.latest, False
        self._to_restore, self._restored = 0, 0
        self._passed = asyncio.Condition()

    async def run(self) -> None:
        """Until cancelled."""
        stop = self._store.listen(self._hear)
        self._woken.set()  # statuses of what was there at the start
        try:
            while True:
                await self._woken.wait()
                if self._began and not self._waiting:
                    await self._settled()
                self._woken.clear()
                self._written.clear()
                await self._pass()
        finally:
            stop()

    async def _settled(self) -> None:
        """After a moment, or at once when something is written."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE):
                await self._written.wait()

    def wake(self) -> None:
        """Look at the statuses again: an instance became ready, or a proxy came or went."""
        self._woken.set()

    async def append(self, draft: Draft) -> None:
        """Keep a draft that the declared state has already, or that declares nothing new. Raises
        ``StoreError``."""
        self._applied.append(draft)
        try:
            await self._store.append(draft, expected=self._store.submitted)
        finally:
            self._applied = [each for each in self._applied if each is not draft]

    @property
    def began(self) -> bool:
        """Whether all that was there at the start has been looked at."""
        return self._began

    def restore(self, applied: Mapping[ObjectId, Manifest | None]) -> None:
        """Have the mesh become what the store says of these objects, after all: they were applied
        to it, and are not kept."""
        for key, manifest in applied.items():
            there = StoredObject(manifest, 0, 0) if manifest is not None else None
            self._waiting[key] = there
        self._to_restore += 1
        self._hurry()

    async def caught_up(self) -> None:
        """Returns when all that is written by now is brought about, or cannot be."""
        self.wake()  # a revision that holds nothing but statuses wakes nobody
        await self.reached(self._store.latest)

    async def reached(self, revision: int) -> None:
        """Returns when everything up to the revision is brought about, or cannot be, and what was
        to be restored is."""
        restored = self._to_restore
        if self._done < revision:
            self._hurry()  # it may be one of statuses, which wakes nobody
        async with self._passed:
            await self._passed.wait_for(
                lambda: self._done >= revision and self._restored >= restored
            )

    def _hurry(self) -> None:
        self._woken.set()
        self._written.set()

    def _hear(self, revision: Revision, before: Mapping[ObjectId, StoredObject | None]) -> None:
        if any(revision.draft is applied for applied in self._applied):
            return
        for key in revision.draft.writes:
            self._waiting.setdefault(key, before[key])
        self._hurry()

    async def _pass(self) -> None:
        waiting, self._waiting = self._waiting, {}
        upto, restored = self._store.latest, self._to_restore
        edits = [edit for key, was in waiting.items() for edit in self._edits(key, was)]
        if edits or self._out_of_order():
            await self._apply(edits)
        await self._write_statuses()
        async with self._passed:
            self._done, self._began, self._restored = upto, True, restored
            self._passed.notify_all()

    def _edits(self, key: ObjectId, was: StoredObject | None) -> Iterator[Put | Remove]:
        """What became of an object since it was looked at."""
        stored = self._store.objects.get(key)
        self._read(key, stored.manifest if stored else None)
        known = self._declarations.state.objects.by_key
        before, after = (each.manifest if each else None for each in (was, stored))
        yield from edits_between(key, before, after, known)

    def _read(self, key: ObjectId, manifest: Manifest | None) -> None:
        """Note what the object is called, or why it cannot be read."""
        self.unreadable.pop(key, None)
        self._keys.pop(key, None)
        if manifest is None:
            return
        read = _read(key, manifest)
        if errors := _errors(read):
            self.unreadable[key] = errors
        elif declared := Declaration.read(read):
            self._keys[key] = declared.key

    def _order(self) -> tuple[ObjectKey, ...]:
        """Of creation, which is also what a restart finds: a group's first lane may be its
        baseline."""
        return tuple(self._keys[key] for key in self._store.objects if key in self._keys)

    def _out_of_order(self) -> bool:
        known = self._declarations.state.objects
        ordered = tuple(each.key for each in known.ordered if each.source == STORE)
        return ordered != tuple(key for key in self._order() if key in known.by_key)

    async def _apply(self, edits: Iterable[Put | Remove]) -> None:
        together = Writes(STORE, tuple(edits), order=self._order())
        result = await self._declarations.apply(together, Principal(STORE))
        if not isinstance(result, Refused):
            return
        for edit in together.edits:
            result = await self._declarations.apply(Write(STORE, edit), Principal(STORE))
            if isinstance(result.outcome, NotProgrammed):
                self._report(f"{edit.key}: {result.outcome}")
            elif isinstance(result, Refused):
                self._report("; ".join([*map(str, result.conflicts), _sentences(result.findings)]))
        if self._out_of_order():
            await self._declarations.apply(Writes(STORE, (), order=self._order()), Principal(STORE))

    async def _write_statuses(self) -> None:
        proxies = self._proxies()
        now = timestamp(self._now())
        state, active = self._declarations.state, self._declarations.active
        # From here to the append there is no await: nobody writes in between.
        changed: dict[ObjectId, Manifest | None] = {}
        for key, stored in self._store.submitted_objects.items():
            if key.resource not in _WITH_STATUS:
                continue
            if not self._is_looked_at(key, stored):
                continue
            manifest = stored.manifest
            if errors := self.unreadable.get(key):
                status: Mapping[str, Any] | None = unreadable_status(manifest, errors, now)
            else:
                status = lane_status(manifest, state, active, proxies, self._instances, now)
            if status is not None and status != manifest.get("status"):
                changed[key] = _with_status(manifest, status)
        if not changed:
            return
        draft = Draft(changed, LANEWAY, LANEWAY, STATUS)
        try:
            await self.append(draft)
        except (OutdatedDraft, StoreError) as error:
            self._report(f"statuses cannot be written: {error}")

    def _is_looked_at(self, key: ObjectId, stored: StoredObject) -> bool:
        """Whether what was submitted last of an object is what the declared state knows of it. Else
        its status would be the one of the object before; another pass is to come."""
        kept = self._store.objects.get(key)
        return kept is not None and kept.revision == stored.revision and key not in self._waiting


def _sentences(findings: Iterable[Finding]) -> str:
    return "; ".join(finding.field_explanation for finding in findings)


def _with_status(manifest: Manifest, status: Mapping[str, Any]) -> dict[str, Any]:
    return {**manifest, "status": status}
