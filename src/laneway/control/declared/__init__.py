"""The declared state: the objects that all sources declare for one mesh, and their status.

Files, Python programs and the API declare objects here. ``Declarations.apply`` is the only way to
change them. It merges a request into the state, accepts or refuses the result, changes the running
mesh, and records which objects are active. All modules are pure, except ``declarations``, which has
the lock.
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
from laneway.control.declared.state import DeclaredState, ObjectStatus, Transition

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
    "Transition",
    "Unchanged",
    "VersionConflict",
    "Write",
    "Writes",
    "declarations_of",
]
