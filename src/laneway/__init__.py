"""laneway: request-level environments (traffic lanes) for HTTP and gRPC services.

A request that names a lane runs through that lane's versions of the services. Where the lane has
no healthy version of a service the request falls back to the baseline and returns to its lane at
the next hop. Layers, from the bottom up: ``model``, ``compile``, ``control``, ``adapters``,
``wiring``, ``faces``; ``docs/architecture.md`` explains them, and import-linter checks them.

The names in ``__all__`` are for Python programs: ``docs/reference/python.md`` documents them. They
are imported when they are first used, so that ``import laneway`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laneway.adapters.files import Reading, read
    from laneway.compile.lower import lower
    from laneway.compile.simulate import Outcome, Request, simulate
    from laneway.control.declared import (
        Applied,
        ChangeSet,
        Declaration,
        Principal,
        Put,
        Refused,
        Remove,
        ReplaceAll,
        Write,
    )
    from laneway.model.findings import Finding, InvalidInput
    from laneway.model.meshes import Mesh
    from laneway.wiring.dialects import render, unsupported
    from laneway.wiring.embedded import Embedded, Settings

__version__ = "0.1.0"

__all__ = [
    "Applied",
    "ChangeSet",
    "Declaration",
    "Embedded",
    "Finding",
    "InvalidInput",
    "Mesh",
    "Outcome",
    "Principal",
    "Put",
    "Reading",
    "Refused",
    "Remove",
    "ReplaceAll",
    "Request",
    "Settings",
    "Write",
    "lower",
    "read",
    "render",
    "simulate",
    "unsupported",
]

_MODULES = {
    "laneway.adapters.files": ("Reading", "read"),
    "laneway.compile.lower": ("lower",),
    "laneway.compile.simulate": ("Outcome", "Request", "simulate"),
    "laneway.control.declared": (
        "Applied",
        "ChangeSet",
        "Declaration",
        "Principal",
        "Put",
        "Refused",
        "Remove",
        "ReplaceAll",
        "Write",
    ),
    "laneway.model.findings": ("Finding", "InvalidInput"),
    "laneway.model.meshes": ("Mesh",),
    "laneway.wiring.dialects": ("render", "unsupported"),
    "laneway.wiring.embedded": ("Embedded", "Settings"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'laneway' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
