"""Atomic changes of many objects: applied to the mesh first, and then stored.

So a change that proxies reject, or whose processes cannot be started, is never stored. If the store
fails, or the same objects were written meanwhile, reconciliation returns the mesh to the stored
state. Only stored changes are acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from laneway.apiserver.failures import Failure
from laneway.apiserver.resources import Resource
from laneway.apiserver.tokens import Identity
from laneway.apiserver.whole_writes import (
    WholeWrite,
    check_allowed,
    described,
    refusal_of,
    warnings_of,
)
from laneway.control.declared import (
    ChangeSet,
    Declarations,
    DeclaredState,
    Principal,
    Put,
    Refused,
    Remove,
)
from laneway.control.declared.planning import plan
from laneway.control.declared.resolution import Check
from laneway.control.revisions import (
    DeclaredElsewhere,
    Draft,
    Manifest,
    ObjectId,
    Objects,
    RevisionStore,
    StoredObject,
    StoreError,
)
from laneway.model.checks.lane_lives import expired
from laneway.model.findings import Finding
from laneway.model.meshes import Mesh
from laneway.schema.reports import ChangeReport, change_reports
from laneway.wiring.reconciliation import Reconciliation
from laneway.wiring.stored_declarations import STORE, edits_between

#: The number of attempts if the same objects are written while the mesh changes.
_ATTEMPTS = 5

#: Computes the writes from the current objects; raises ``Failure``. It runs on another thread.
Compose = Callable[[Objects], WholeWrite]


@dataclass(frozen=True, slots=True)
class Change:
    """The author of a change, and its description in the history. ``kind`` is the request's name in
    messages.

    ``force`` takes over objects that others declare.
    """

    kind: str
    identity: Identity
    source: str
    reason: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """An accepted change. ``revision`` is None if nothing was stored: in a dry run, or if nothing
    changes.

    ``before`` has the objects before the change; ``active`` is the mesh before, ``mesh`` the one
    after.
    """

    write: WholeWrite
    before: Objects
    revision: int | None
    active: Mesh
    mesh: Mesh
    warnings: tuple[str, ...]
    late: tuple[str, ...] = ()

    @property
    def changes(self) -> list[ChangeReport]:
        return list(change_reports(self.active, self.mesh))


class WholeChanges:
    """Makes one change after another."""

    def __init__(
        self,
        store: RevisionStore,
        declarations: Declarations,
        reconciliation: Reconciliation,
        check: Check,
        resources: Collection[Resource],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._declarations = declarations
        self._reconciliation = reconciliation
        self._check = check
        self._resources = resources
        self._now = now
        self._changing = asyncio.Lock()

    async def make(self, change: Change, compose: Compose, *, dry_run: bool = False) -> Taken:
        """Raises ``Failure`` if the change is refused, and ``StoreError`` if it cannot be stored.
        In both cases nothing has changed."""
        async with self._changing:
            for _ in range(_ATTEMPTS):
                await self._reconciliation.caught_up()
                objects = dict(self._store.submitted_objects)
                # In a thread: thousands of objects take seconds, and proxies must be served
                # meanwhile.
                write = await asyncio.to_thread(compose, objects)
                check_allowed(change.identity, write, objects, self._resources)
                self._check_declared_here(change, write)
                if dry_run or not write.writes or _may_expire(write):
                    planned = self._planned(change, write, objects)
                    if dry_run or not write.writes:
                        return planned
                try:
                    taken = await self._take(change, write, objects)
                except StoreError:
                    await self._reconciliation.caught_up()  # the mesh is reverted
                    raise
                if taken is not None:
                    return taken
            await self._reconciliation.caught_up()
        raise Failure(409, f"{change.kind}: others write the same objects all the time; try again")

    def _check_declared_here(self, change: Change, write: WholeWrite) -> None:
        """Raises ``Failure`` if files declare one of the objects."""
        try:
            self._store.check(_draft(change, write))
        except DeclaredElsewhere as error:
            text = f"{change.kind} is refused, and nothing was changed: {error}"
            raise Failure(409, text) from error

    def _planned(self, change: Change, write: WholeWrite, objects: Objects) -> Taken:
        """The result without making the change. Raises ``Failure``."""
        state = self._declarations.state
        after = plan(
            state,
            _request(change, write, objects, state),
            Principal(change.identity.name),
            active=self._declarations.active,
            check=self._check,
        )
        if isinstance(after, Refused):
            raise refusal_of(change.kind, after, write.places)
        if over := self._expired(after.mesh, write):
            raise refusal_of(change.kind, Refused(state.version, over), write.places)
        return Taken(write, objects, None, state.mesh, after.mesh, _warnings(write, after))

    def _expired(self, mesh: Mesh, write: WholeWrite) -> tuple[Finding, ...]:
        """Expired lanes of the request: applying them again does not renew them."""
        return tuple(
            finding for finding in expired(mesh, self._now()) if finding.subject in write.places
        )

    async def _take(self, change: Change, write: WholeWrite, objects: Objects) -> Taken | None:
        """Returns None if another client wrote one of the objects meanwhile."""
        before = self._declarations.state
        request = _request(change, write, objects, before)
        settled, made = False, None
        try:
            result = await self._declarations.apply(request, Principal(change.identity.name))
            if isinstance(result, Refused):
                settled = True  # there is nothing to revert
                raise refusal_of(change.kind, result, write.places)
            after, made = self._declarations.state, result.made
            if not self._stand(write.writes, objects):
                return None
            # There was no await since the objects were compared.
            writes = {k: self._with_status(k, m) for k, m in write.writes.items()}
            draft = _draft(change, replace(write, writes=writes))
            revision = await self._store.append(draft, expected=self._store.submitted)
            settled = True
        finally:
            if not settled:
                self._reconciliation.restore(write.writes, objects, made)
        late = getattr(result.outcome, "late", ())
        warnings = _warnings(write, after)
        return Taken(write, objects, revision.number, before.mesh, after.mesh, warnings, late)

    def _stand(self, writes: Mapping[ObjectId, Manifest | None], objects: Objects) -> bool:
        """Whether the objects are still those that the writes were computed from. Statuses may
        differ: laneway writes them itself, for instance because the mesh changes."""
        now = self._store.submitted_objects
        return all(_declared(now.get(key)) == _declared(objects.get(key)) for key in writes)

    def _with_status(self, key: ObjectId, manifest: Manifest | None) -> Manifest | None:
        """The write with the object's current status."""
        live = self._store.submitted_objects.get(key)
        if manifest is None or live is None or "status" not in live.manifest:
            return manifest
        return {**manifest, "status": live.manifest["status"]}


def _draft(change: Change, write: WholeWrite) -> Draft:
    return Draft(write.writes, change.identity.name, change.source, change.reason, change.force)


def _warnings(write: WholeWrite, after: DeclaredState) -> tuple[str, ...]:
    """Includes errors that existed before: the change does not become active in a group that is
    invalid."""
    resolution = after.resolution
    wrong = (f"still invalid: {described(finding)}" for _, finding in resolution.errors)
    return (*write.warnings, *warnings_of(resolution.warnings), *wrong)


def _declared(stored: StoredObject | None) -> Manifest | None:
    """The object without its status."""
    if stored is None:
        return None
    return {name: value for name, value in stored.manifest.items() if name != "status"}


def _may_expire(write: WholeWrite) -> bool:
    return any("expiresAt" in (m or {}).get("spec", {}) for m in write.writes.values())


def _request(
    change: Change, write: WholeWrite, objects: Objects, state: DeclaredState
) -> ChangeSet:
    known = state.objects.by_key
    edits: list[Put | Remove] = []
    for key, manifest in write.writes.items():
        stored = objects.get(key)
        edits += edits_between(key, stored.manifest if stored else None, manifest, known)
    return ChangeSet(STORE, tuple(edits), change.force)
