"""The trace-memory filter: it remembers which lane a trace id came with.

Its Zig sources stand beside the package in ``filter/``; installing the package compiles them, to
WebAssembly and to a native module of Envoy. Here are the modules' paths and the words of their
configuration, for whoever configures Envoy with them. Why it is as it is:
``docs/decisions/0003-trace-memory.md`` and ``docs/decisions/0017-native-module.md``.
"""

from __future__ import annotations

import platform
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

MEMORY_VARIABLE: Final = "LANEWAY_TRACE_MEMORY"
"""Names, in Envoy's environment, the descriptor of the memory that native modules share."""

MEMORY_SIZE: Final = 4 << 30
"""Bytes of that memory: more than the most sets need. Only what is stored takes up any."""

_MODULE = Path(__file__).with_name("trace_memory.wasm")


class FilterNotBuilt(FileNotFoundError):
    """The package was put on the path without being installed, so nothing compiled the module."""


def module_path() -> Path:
    """The WebAssembly module, for ``vm_config.code.local.filename``."""
    if not _MODULE.is_file():
        raise FilterNotBuilt(
            f"the trace-memory filter is not built: {_MODULE} is missing; install the package "
            "(pip install .) or, in a source tree, run: python hatch_build.py"
        )
    return _MODULE


def native_module_path() -> Path | None:
    """The native module; None where there is none for this machine's processor."""
    path = Path(__file__).with_name(f"trace_memory.{platform.machine()}.so")
    return path if path.is_file() else None
