"""From the store to the running mesh, and back to the statuses.

Every revision that a client writes is applied to the declared state. Revisions that arrive while
another one is being applied are applied together. An object that cannot be programmed stays in the
store, and its status says why; the mesh runs on as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from laneway.apiserver.lane_status import CountInstances, Proxies, lane_status, unreadable_status
from laneway.apiserver.whole_writes import described
from laneway.control.declared import (
    Declaration,
    Declarations,
    NotProgrammed,
    Principal,
    Put,
    Refused,
    Remove,
    Transition,
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
from laneway.model.findings import Finding, ObjectKey
from laneway.wiring.stored_declarations import (
    STORE,
    edits_between,
    errors_in,
    not_taken,
    read_stored,
)

#: The field manager of statuses.
LANEWAY = "laneway"
#: The reason of a revision that writes nothing but statuses.
STATUS = "status"
#: Seconds for which events of proxies and processes are collected, because they come in bursts.
_SETTLE = 0.1
#: Seconds between attempts to remove deleted objects from the mesh.
_RETRY = 30.0
_WITH_STATUS = ("lanegroups.laneway.dev", "lanes.laneway.dev")


async def _nothing() -> None:
    return


class Reconciliation:
    """Run ``run`` as a task. ``proxies`` and ``instances`` inspect the running mesh.

    ``started`` is false if nothing of the store has been applied yet: then the first pass does so.
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
        #: Written objects, with all their states since the last pass. The mesh applies a change set
        #: before its revision is stored, so it may have any of these states.
        self._waiting: dict[ObjectId, list[Manifest | None]] = {}
        self._forced: set[ObjectId] = set()
        #: Objects that an earlier process could not program, and that have not been declared here
        #: yet.
        self._failed_before: Mapping[ObjectKey, Finding] = {}
        if not started:
            self._waiting = {key: [None] for key in store.objects}
            self._failed_before = not_taken(store.objects)
        #: Objects that stay in the store, but declare nothing until they are written again.
        self.unreadable: dict[ObjectId, tuple[Finding, ...]] = {}
        self._keys: dict[ObjectId, ObjectKey] = {}
        self._unremoved: dict[ObjectKey, None] = {}
        for key, stored in store.objects.items():
            self._read(key, stored.manifest)
            if errors := self.unreadable.get(key):
                self._report(f"{key} in the store cannot be read: {_sentences(errors)}")
        self._woken, self._written = asyncio.Event(), asyncio.Event()
        #: Pending drafts that the declared state contains already. They are compared by identity,
        #: because a client chooses the name of its field manager.
        self._applied: list[Draft] = []
        self._done, self._began = store.latest, False
        self._to_restore, self._restored = 0, 0
        self._to_undo: list[Transition] = []
        self._passed = asyncio.Condition()

    async def run(self, first: Callable[[], Awaitable[None]] = _nothing) -> None:
        """Until cancelled. What is written during ``first`` waits until that is done."""
        stop = self._store.listen(self._hear)
        self._woken.set()  # for the statuses of the initial objects
        try:
            await first()
            while True:
                retrying = not await self._woken_in_time()
                if self._began and not self._waiting:
                    await self._settled()
                self._woken.clear()
                self._written.clear()
                await self._pass(retrying=retrying)
        finally:
            stop()

    def errors(self) -> list[str]:
        """What is wrong with declared objects; their groups stay in their last valid state."""
        return [described(finding) for _, finding in self._declarations.state.resolution.errors]

    async def _woken_in_time(self) -> bool:
        """False if it is time to retry something that failed."""
        wait = _RETRY if self._left_over() else None
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    async def _settled(self) -> None:
        """Returns after a moment, or as soon as something is written."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE):
                await self._written.wait()

    def wake(self) -> None:
        """Requests an update of the statuses: an instance became ready, or a proxy came or went."""
        self._woken.set()

    async def append(self, draft: Draft) -> None:
        """Stores a draft that the declared state already contains, or that declares nothing new.
        Raises ``StoreError``."""
        self._applied.append(draft)
        try:
            await self._store.append(draft, expected=self._store.submitted)
        finally:
            self._applied = [each for each in self._applied if each is not draft]

    @property
    def began(self) -> bool:
        """Whether the initial objects have been processed."""
        return self._began

    def restore(
        self,
        applied: Mapping[ObjectId, Manifest | None],
        before: Mapping[ObjectId, StoredObject],
        made: Transition | None,
    ) -> None:
        """Returns the mesh to the stored state of these objects, which were applied to it but not
        stored. ``made`` is None if it is unknown whether they were applied.

        ``before`` are the objects that the request was made from: taking it back declares them
        again, also those that others have deleted meanwhile.
        """
        if made is not None:
            self._to_undo.append(made)
        for key, manifest in applied.items():
            was = before.get(key)
            self._waiting.setdefault(key, []).extend((was.manifest if was else None, manifest))
        self._to_restore += 1
        self._hurry()

    async def caught_up(self) -> None:
        """Returns when everything that has been submitted by now has been applied or has failed."""
        latest = await self._store.settled()
        self.wake()  # a revision that has only statuses does not wake the task
        await self.reached(latest)

    async def reached(self, revision: int) -> None:
        """Returns when everything up to the revision has been applied or has failed, and pending
        restorations are done."""
        restored = self._to_restore
        if self._done < revision:
            self._hurry()  # it may have only statuses, which do not wake the task
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
            was = before[key]
            self._waiting.setdefault(key, []).append(was.manifest if was else None)
        if revision.draft.force:
            self._forced.update(revision.draft.writes)
        self._hurry()

    async def _pass(self, *, retrying: bool) -> None:
        waiting, self._waiting = self._waiting, {}
        forced, self._forced = self._forced, set()
        to_undo, self._to_undo = self._to_undo, []
        upto, restored = self._store.latest, self._to_restore
        for made in reversed(to_undo):
            await self._declarations.undo(made)  # if this fails, the edits below report it
        edits = [edit for key, was in waiting.items() for edit in self._edits(key, was)]
        if edits or retrying:
            removed = {edit.key for edit in edits if isinstance(edit, Remove)}
            edits += [each for each in self._left_over() if each.key not in removed]
        if edits or self._out_of_order():
            await self._apply(edits, force=bool(forced))
        await self._write_statuses()
        async with self._passed:
            self._done, self._began, self._restored = upto, True, restored
            self._passed.notify_all()

    def _edits(self, key: ObjectId, was: Sequence[Manifest | None]) -> Iterator[Put | Remove]:
        """The edits of an object since the last pass."""
        stored = self._store.objects.get(key)
        self._read(key, stored.manifest if stored else None)
        known = self._declarations.state.objects.by_key
        after = stored.manifest if stored else None
        edits = [edit for each in was for edit in edits_between(key, each, after, known)]
        yield from dict.fromkeys(edit for edit in edits if isinstance(edit, Remove))
        yield from [edit for edit in edits if isinstance(edit, Put)][:1]

    def _read(self, key: ObjectId, manifest: Manifest | None) -> None:
        """Records the object's key, or why it cannot be read."""
        self.unreadable.pop(key, None)
        self._keys.pop(key, None)
        if manifest is None:
            return
        read = read_stored(key, manifest)
        if errors := errors_in(read):
            self.unreadable[key] = errors
        elif declared := Declaration.read(read):
            self._keys[key] = declared.key

    def _order(self) -> tuple[ObjectKey, ...]:
        """The order of creation, as after a restart: a group's first lane may be its baseline."""
        return tuple(self._keys[key] for key in self._store.objects if key in self._keys)

    def _out_of_order(self) -> bool:
        known, order = self._declarations.state.objects, self._order()
        stored = frozenset(order)
        ordered = [o.key for o in known.ordered if o.source == STORE and o.key in stored]
        return ordered != [key for key in order if key in known.by_key]

    async def _apply(self, edits: Sequence[Put | Remove], *, force: bool) -> None:
        """``force`` is safe: guards of the store have already refused writes to objects of other
        owners."""
        failed, self._failed_before = self._failed_before, {}
        together = Writes(STORE, tuple(edits), force, self._order(), failed)
        result = await self._declarations.apply(together, Principal(STORE))
        if not isinstance(result, Refused):
            return
        for edit in edits:
            alone: Write | Writes = Write(STORE, edit, force)
            if edit.key in failed:
                alone = Writes(STORE, (edit,), force, failed={edit.key: failed[edit.key]})
            result = await self._declarations.apply(alone, Principal(STORE))
            if isinstance(edit, Remove) and isinstance(result, Refused):
                self._unremoved[edit.key] = None
            if isinstance(result.outcome, NotProgrammed):
                self._report(f"{edit.key}: {result.outcome}")
            elif isinstance(result, Refused):
                self._report("; ".join([*map(str, result.conflicts), _sentences(result.findings)]))
        if self._out_of_order():
            await self._declarations.apply(Writes(STORE, (), order=self._order()), Principal(STORE))

    def _left_over(self) -> list[Remove]:
        """Deleted objects that could not be removed from the mesh. They have no status, and nobody
        will write them again, so they are retried."""
        declared, known = frozenset(self._keys.values()), self._declarations.state.objects.by_key
        self._unremoved = {k: None for k in self._unremoved if k in known and k not in declared}
        return [Remove(key) for key in self._unremoved]

    async def _write_statuses(self) -> None:
        proxies = self._proxies()
        now = self._now()
        state, active = self._declarations.state, self._declarations.active
        # There is no await from here to the append, so nobody writes in between.
        changed: dict[ObjectId, Manifest | None] = {}
        for key, stored in self._store.submitted_objects.items():
            if key.resource not in _WITH_STATUS:
                continue
            if not self._is_looked_at(key, stored) or self._is_changing(key):
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
        """Whether the declared state knows the object as it was submitted last. Otherwise its
        status would describe an earlier version; another pass follows."""
        kept = self._store.objects.get(key)
        return kept is not None and kept.revision == stored.revision and key not in self._waiting

    def _is_changing(self, key: ObjectId) -> bool:
        declared = self._keys.get(key)
        return declared is not None and self._declarations.is_changing(declared)


def _sentences(findings: Iterable[Finding]) -> str:
    return "; ".join(finding.field_explanation for finding in findings)


def _with_status(manifest: Manifest, status: Mapping[str, Any]) -> dict[str, Any]:
    return {**manifest, "status": status}
