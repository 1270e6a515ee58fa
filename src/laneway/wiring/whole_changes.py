"""Changes of many objects that are taken as a whole: by the mesh first, and then by the store.

So what a proxy rejects, or cannot be started, was never written. If the store does not keep what
the mesh has taken, or someone else wrote the same objects meanwhile, reconciliation puts the mesh
back to what the store says. Only what is kept is acknowledged.
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

#: How often a change is made anew, where its objects were written while the mesh changed.
_ATTEMPTS = 5

#: Makes the writes from the objects that stand; raises ``Failure``. It runs on another thread.
Compose = Callable[[Objects], WholeWrite]


@dataclass(frozen=True, slots=True)
class Change:
    """Who makes the change, and how history shows it. ``kind`` is what the request is called.

    ``force`` takes over objects that others declare.
    """

    kind: str
    identity: Identity
    source: str
    reason: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """``revision`` is None if nothing was kept: in a dry run, or where nothing changes.

    ``before`` are the objects that stood; ``active`` is the mesh before, ``mesh`` the one after.
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
    """One change is made after another."""

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
        """Raises ``Failure`` if it is refused, and ``StoreError`` if it cannot be kept. Either way
        nothing has changed."""
        async with self._changing:
            for _ in range(_ATTEMPTS):
                await self._reconciliation.reached(self._store.submitted)
                objects = dict(self._store.submitted_objects)
                # Thousands of objects take seconds, and the proxies are served meanwhile.
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
                    await self._reconciliation.reached(self._store.submitted)  # it is put back
                    raise
                if taken is not None:
                    return taken
            await self._reconciliation.reached(self._store.submitted)
        raise Failure(409, f"{change.kind}: others write the same objects all the time; try again")

    def _check_declared_here(self, change: Change, write: WholeWrite) -> None:
        """Raises ``Failure`` if files declare one of the objects."""
        try:
            self._store.check(_draft(change, write))
        except DeclaredElsewhere as error:
            text = f"{change.kind} is refused, and nothing was changed: {error}"
            raise Failure(409, text) from error

    def _planned(self, change: Change, write: WholeWrite, objects: Objects) -> Taken:
        """What would become of it. Raises ``Failure``."""
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
        """Lanes of the request that have expired: to apply them again is no way to renew them."""
        return tuple(
            finding for finding in expired(mesh, self._now()) if finding.subject in write.places
        )

    async def _take(self, change: Change, write: WholeWrite, objects: Objects) -> Taken | None:
        """None if someone else wrote one of the objects meanwhile."""
        before = self._declarations.state
        request = _request(change, write, objects, before)
        settled, made = False, None
        try:
            result = await self._declarations.apply(request, Principal(change.identity.name))
            if isinstance(result, Refused):
                settled = True  # there is nothing to put back
                raise refusal_of(change.kind, result, write.places)
            after, made = self._declarations.state, result.made
            if not self._stand(write.writes, objects):
                return None
            # Since the last look at the store there was no await.
            writes = {k: self._with_status(k, m) for k, m in write.writes.items()}
            draft = _draft(change, replace(write, writes=writes))
            revision = await self._store.append(draft, expected=self._store.submitted)
            settled = True
        finally:
            if not settled:
                self._reconciliation.restore(write.writes, made)
        late = getattr(result.outcome, "late", ())
        warnings = _warnings(write, after)
        return Taken(write, objects, revision.number, before.mesh, after.mesh, warnings, late)

    def _stand(self, writes: Mapping[ObjectId, Manifest | None], objects: Objects) -> bool:
        """Whether the objects are those that the writes were made from. Statuses may be others:
        laneway writes them itself, not least because the mesh changes."""
        now = self._store.submitted_objects
        return all(_declared(now.get(key)) == _declared(objects.get(key)) for key in writes)

    def _with_status(self, key: ObjectId, manifest: Manifest | None) -> Manifest | None:
        """The write, with the status that the object has by now."""
        live = self._store.submitted_objects.get(key)
        if manifest is None or live is None or "status" not in live.manifest:
            return manifest
        return {**manifest, "status": live.manifest["status"]}


def _draft(change: Change, write: WholeWrite) -> Draft:
    return Draft(write.writes, change.identity.name, change.source, change.reason, change.force)


def _warnings(write: WholeWrite, after: DeclaredState) -> tuple[str, ...]:
    """Also about what was wrong before: a group that is held does not become what is applied."""
    resolution = after.resolution
    wrong = (f"still invalid: {described(finding)}" for _, finding in resolution.errors)
    return (*write.warnings, *warnings_of(resolution.warnings), *wrong)


def _declared(stored: StoredObject | None) -> Manifest | None:
    """All but the status."""
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
