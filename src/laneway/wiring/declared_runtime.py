"""The running mesh of this machine as a ``Runtime`` of the declared state, and the changes of
Python programs."""

from __future__ import annotations

from laneway.adapters.runner.errors import RunnerError
from laneway.control.control_plane import Change, ControlPlane
from laneway.control.declared import (
    Applied,
    CannotRun,
    ChangeSet,
    DeclaredState,
    NotProgrammed,
    Principal,
    Programmed,
    Refused,
    ReplaceAll,
    Request,
    Result,
    declarations_of,
)
from laneway.control.declared.planning import plan
from laneway.control.declared.resolution import Check
from laneway.model.findings import InvalidInput
from laneway.model.meshes import Mesh
from laneway.wiring.changes import Changes

#: The source of objects that a Python program declares, and the principal of its changes.
PROGRAM = "program"
_NOTHING = Mesh()


class DeclarationConflict(Exception):
    """A program declares objects that another source owns. The message names them."""


class DeclaredRuntime:
    """A ``control.declared.Runtime`` of processes and proxies."""

    def __init__(self, control_plane: ControlPlane, changes: Changes) -> None:
        self._control_plane = control_plane
        self._changes = changes

    @property
    def mesh(self) -> Mesh:
        return self._control_plane.mesh

    async def change(self, mesh: Mesh) -> Change:
        try:
            return await self._changes.change(mesh)
        except (RunnerError, OSError) as error:
            raise CannotRun(str(error)) from error


def whole(mesh: Mesh) -> ChangeSet:
    """A request that the program declares exactly this mesh, which must be valid."""
    return ChangeSet(PROGRAM, ReplaceAll(declarations_of(mesh)), checked=True)


def initial(declared: Request, check: Check, running: Mesh = _NOTHING) -> DeclaredState:
    """The state to start with. ``running`` is the mesh that runs already, and has the last valid
    state of objects that are not valid. Raises ``InvalidInput``."""
    state = plan(DeclaredState(), declared, Principal(declared.source), active=running, check=check)
    if isinstance(state, Refused):
        raise InvalidInput(state.findings)
    return state


def change_of(result: Result) -> Change:
    """The result of the change. Raises ``InvalidInput``, ``DeclarationConflict``, and the exception
    of a process that could not be started."""
    match result:
        case Refused(conflicts=conflicts) if conflicts:
            raise DeclarationConflict("; ".join(map(str, conflicts)))
        case Refused(outcome=None, findings=findings):
            raise InvalidInput(findings)
        case Refused(outcome=NotProgrammed(rejections=rejections, error=error)):
            if error is not None:
                raise error
            return Change(False, rejections)
        case Applied(outcome=Programmed() as outcome):
            return Change(True, (), outcome.late, outcome.seconds_until_active)
        case _:
            return Change(True)
