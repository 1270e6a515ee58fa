"""What came of a request to the declared state, as values that a command line or an API shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from laneway.model.findings import Finding, ObjectKey
from laneway.schema.reports.changes import ChangeReport


@dataclass(frozen=True, slots=True)
class VersionConflict:
    """Somebody else has changed the object since, or the whole state if ``key`` is None."""

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
    """Every connected proxy acknowledged, but for those in ``late``, which catch up by themselves.

    ``seconds`` is how long the change took, ``seconds_until_active`` as ``rollout.Change`` has it.
    """

    differences: tuple[ChangeReport, ...]
    seconds: float
    late: tuple[str, ...] = ()
    seconds_until_active: float = 0.0


@dataclass(frozen=True, slots=True)
class NotProgrammed:
    """The running mesh is as it was. Proxies rejected the change, in Envoy's words, or something
    could not be started: then there is a ``reason``, and the exception that gave it."""

    differences: tuple[ChangeReport, ...]
    rejections: tuple[str, ...] = ()
    reason: str = ""
    error: BaseException | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.reason or "; ".join(self.rejections)


@dataclass(frozen=True, slots=True)
class Applied:
    """The state has this version now. ``findings`` are warnings, and the errors of single writes.

    A single write is applied to the state even if its outcome is ``NotProgrammed``.
    """

    version: int
    outcome: Unchanged | Programmed | NotProgrammed
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """State and mesh are as they were. Exactly one of the three reasons is given: objects that are
    invalid, conflicts with other writers, or a mesh that could not be brought about."""

    version: int
    findings: tuple[Finding, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    outcome: NotProgrammed | None = None


Result = Applied | Refused
