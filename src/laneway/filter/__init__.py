"""The trace-memory filter: a WebAssembly module that remembers which lane a trace id came with.

Its Zig sources stand beside the package in ``filter/``; installing the package compiles them. Here
are the module's path and the words of its configuration, for whoever configures Envoy with it.
Why it is as it is: ``docs/decisions/0003-trace-memory.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

VM_ID: Final = "laneway.trace_memory"
"""Inbound and outbound filters share one memory because they share this ``vm_config.vm_id``."""

RUNTIME: Final = "envoy.wasm.runtime.v8"

INBOUND: Final = "inbound"
OUTBOUND: Final = "outbound"
GATEWAY: Final = "gateway"
"""The values of ``direction`` in a filter's configuration."""

DEFAULT_SETS: Final = 16384
DEFAULT_TTL_SECONDS: Final = 300

_MODULE = Path(__file__).with_name("trace_memory.wasm")


class FilterNotBuilt(FileNotFoundError):
    """The package was put on the path without being installed, so nothing compiled the module."""


def module_path() -> Path:
    """The compiled module, for ``vm_config.code.local.filename``."""
    if not _MODULE.is_file():
        raise FilterNotBuilt(
            f"the trace-memory filter is not built: {_MODULE} is missing; install the package "
            "(pip install .) or, in a source tree, run: python hatch_build.py"
        )
    return _MODULE
