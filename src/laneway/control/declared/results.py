"""Results of requests to the declared state, for the command line and the API."""

from __future__ import annotations

from dataclasses import dataclass, field

from laneway.control.declared.state import Transition
from laneway.model.findings import Finding, ObjectKey
from laneway.schema.reports.changes import ChangeReport


@dataclass(frozen=True, slots=True)
class VersionConflict:
    """The object has been changed since, or any object of the state if ``key`` is None."""

    key: ObjectKey | None
    expected: int
    actual: int

    def __str__(self) -> str:
        subject = "the declared state" if self.key is None else str(self.key)
        return (
            f"{subject} has version {self.actual}, and the request expects {self.expected}: "
            "read it again, and repeat the change"
        )


@dataclass(frozen=True, slots=True)
class OwnedByAnother:
    key: ObjectKey
    owner: str

    def __str__(self) -> str:
        return f"{self.key} is declared by {self.owner}: change it there, or take it over by force"


@dataclass(frozen=True, slots=True)
class NotDeclared:
    key: ObjectKey

    def __str__(self) -> str:
        return f"there is no {self.key}"


Conflict = VersionConflict | OwnedByAnother | NotDeclared


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The running mesh is as the state declares it."""


@dataclass(frozen=True, slots=True)
class Programmed:
    """All connected proxies have acknowledged, except those in ``late``, which catch up later.

    ``seconds`` is the duration of the change; ``seconds_until_active`` as in
    ``control_plane.Change``.
    """

    differences: tuple[ChangeReport, ...]
    seconds: float
    late: tuple[str, ...] = ()
    seconds_until_active: float = 0.0


@dataclass(frozen=True, slots=True)
class NotProgrammed:
    """The running mesh is unchanged. Either proxies rejected the change (``rejections`` are Envoy's
    messages), or something could not be started: then there is a ``reason`` and its exception."""

    differences: tuple[ChangeReport, ...]
    rejections: tuple[str, ...] = ()
    reason: str = ""
    error: BaseException | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.reason or "; ".join(self.rejections)


@dataclass(frozen=True, slots=True)
class Applied:
    """The new version of the state. ``findings`` are warnings, and the errors of single writes.

    A single write is applied to the state even if its outcome is ``NotProgrammed``. With ``made``,
    ``Declarations.undo`` takes the request back.
    """

    version: int
    outcome: Unchanged | Programmed | NotProgrammed
    findings: tuple[Finding, ...] = ()
    made: Transition | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The state and the mesh are unchanged, for exactly one of three reasons: invalid objects,
    conflicts with other writers, or a mesh that could not be programmed."""

    version: int
    findings: tuple[Finding, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    outcome: NotProgrammed | None = None


Result = Applied | Refused
