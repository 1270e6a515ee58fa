"""The declared state: what every source declares of one mesh, and what came of it.

Files, Python programs and, later, an API declare objects here. ``Declarations.apply`` is the only
way to change them. It merges a request into the state, accepts or refuses the result, brings it
about on the running mesh, and records what is active. Everything but ``declarations``, which has
the lock, is pure.
"""

from laneway.control.declared.declarations import CannotRun, Declarations, Runtime
from laneway.control.declared.objects import Declaration, DeclaredObject, Principal, declarations_of
from laneway.control.declared.requests import (
    ChangeSet,
    Put,
    Remove,
    ReplaceAll,
    Request,
    Write,
    Writes,
)
from laneway.control.declared.results import (
    Applied,
    Conflict,
    NotDeclared,
    NotProgrammed,
    OwnedByAnother,
    Programmed,
    Refused,
    Result,
    Unchanged,
    VersionConflict,
)
from laneway.control.declared.state import DeclaredState, ObjectStatus

__all__ = [
    "Applied",
    "CannotRun",
    "ChangeSet",
    "Conflict",
    "Declaration",
    "Declarations",
    "DeclaredObject",
    "DeclaredState",
    "NotDeclared",
    "NotProgrammed",
    "ObjectStatus",
    "OwnedByAnother",
    "Principal",
    "Programmed",
    "Put",
    "Refused",
    "Remove",
    "ReplaceAll",
    "Request",
    "Result",
    "Runtime",
    "Unchanged",
    "VersionConflict",
    "Write",
    "Writes",
    "declarations_of",
]
