"""The declared state of a running mesh: requests are applied to it one after another.

This module has the lock. A request is planned on the state, then carried out by a ``Runtime``,
which is the running mesh, and only then is the next state recorded. So the state never contains
what does not run, and a mesh that cannot be changed stays as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from laneway.control.control_plane import Change
from laneway.control.declared.objects import Principal
from laneway.control.declared.planning import after_failure, not_taken_over, plan
from laneway.control.declared.requests import Remove, Request, Write
from laneway.control.declared.resolution import Check
from laneway.control.declared.results import (
    Applied,
    NotProgrammed,
    Programmed,
    Refused,
    Result,
    Unchanged,
)
from laneway.control.declared.state import DeclaredState, Transition
from laneway.control.declared.undoing import undone
from laneway.model.findings import ObjectKey
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.schema.reports import change_reports


class CannotRun(Exception):
    """The mesh could not be started, and the mesh before it still runs.

    The message is complete for a user. The cause is the exception of the process that failed.
    """


class Runtime(Protocol):
    """The running mesh."""

    @property
    def mesh(self) -> Mesh:
        """The active mesh."""
        ...

    async def change(self, mesh: Mesh) -> Change:
        """Runs ``mesh`` as a whole, or not at all. Raises ``CannotRun``."""
        ...


class Declarations:
    """``state`` is what ``runtime`` runs at the beginning. ``clock`` counts seconds.

    Lanes that are disabled, or have expired at ``now``, do not run. ``changed`` is set by each
    request that is applied.
    """

    def __init__(
        self,
        state: DeclaredState,
        runtime: Runtime,
        check: Check,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self.changed = asyncio.Event()
        self._state = state
        self._runtime = runtime
        self._check = check
        self._clock = clock
        self._applying = asyncio.Lock()
        self._changing: frozenset[ObjectKey] = frozenset()

    @property
    def state(self) -> DeclaredState:
        """The declared state. During a request, this is the state before it."""
        return self._state

    @property
    def active(self) -> Mesh:
        """The running mesh."""
        return self._runtime.mesh

    def is_changing(self, key: ObjectKey) -> bool:
        """Whether the object is being changed: some proxies may have its next state already."""
        return key in self._changing

    async def apply(
        self, request: Request, principal: Principal, *, expected_version: int | None = None
    ) -> Result:
        """Applies ``request``, if the state has ``expected_version`` or none is given.

        A request that is cancelled is either reverted or applied; see ``state``.
        """
        async with self._applying:
            before, running = self._state, self._runtime.mesh
            planned = plan(
                before,
                request,
                principal,
                active=running,
                check=self._check,
                expected_version=expected_version,
            )
            if isinstance(planned, Refused):
                return planned
            outcome = await self._bring_about(planned)
            if isinstance(outcome, NotProgrammed) and planned.failures != before.failures:
                # Objects that failed before were tried again, and may be the cause.
                alone = plan(
                    before, request, principal, active=running, check=self._check, retry=False
                )
                if isinstance(alone, DeclaredState) and alone.failures != planned.failures:
                    planned, outcome = alone, await self._bring_about(alone)
            if isinstance(outcome, NotProgrammed):
                if not isinstance(request, Write) or isinstance(request.edit, Remove):
                    return Refused(before.version, outcome=outcome)
                key = request.edit.key
                planned = self._state = after_failure(
                    before, planned, key, outcome, active=running, check=self._check
                )
            self.changed.set()
            errors = (finding for _, finding in planned.resolution.errors)
            findings = (*errors, *planned.resolution.warnings)
            made = Transition(before, planned, running)
            return Applied(planned.version, outcome, findings, made)

    async def undo(self, made: Transition) -> Unchanged | Programmed | NotProgrammed:
        """Takes a request back that was applied, and keeps what others changed since then.

        If that cannot be programmed, nothing has changed.
        """
        async with self._applying:
            outcome = await self._bring_about(undone(self._state, made, self._check))
            self.changed.set()
            return outcome

    async def renew(self) -> Unchanged | Programmed | NotProgrammed:
        """Runs the declared state as of now, without lanes that have expired."""
        async with self._applying:
            return await self._bring_about(self._state)

    async def take_over(self) -> Unchanged | Programmed | NotProgrammed:
        """Like ``renew``, for a mesh of another program that this one has taken over.

        If that cannot be programmed, what differs stays as it runs, as after a write that fails, so
        that other requests can be applied.
        """
        async with self._applying:
            outcome = await self._bring_about(self._state)
            if isinstance(outcome, NotProgrammed):
                running = self._runtime.mesh
                self._state = not_taken_over(self._state, outcome, running, self._check)
            return outcome

    async def _bring_about(self, planned: DeclaredState) -> Unchanged | Programmed | NotProgrammed:
        before, wanted = self._runtime.mesh, active(planned.mesh, self._now())
        if wanted == before:
            self._state = planned
            return Unchanged()
        differences = tuple(change_reports(before, wanted))
        began = self._clock()
        self._changing = frozenset(ObjectKey(each.kind, each.name) for each in differences)
        try:
            change = await self._runtime.change(wanted)
        except CannotRun as error:
            return NotProgrammed(differences, reason=str(error), error=error.__cause__)
        except BaseException:
            # After a cancellation, the mesh may be the new one if only cleaning up was left.
            if self._runtime.mesh == wanted:
                self._state = planned
            raise
        finally:
            self._changing = frozenset()
        if not change.applied:
            return NotProgrammed(differences, rejections=change.rejections)
        self._state = planned
        seconds = self._clock() - began
        return Programmed(differences, seconds, change.late, change.seconds_until_active)
