"""Which of the lane filter's modules the proxies of this machine run."""

from __future__ import annotations

import asyncio
import hashlib
import platform
from collections.abc import Callable
from pathlib import Path

from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.native_modules import refusal
from laneway.compile.envoy.options import FilterModule
from laneway.control import events
from laneway.filter import module_path, native_module_path


async def choose_module(
    envoy: EnvoyBinary, on_event: Callable[[events.Event], None]
) -> FilterModule:
    """The native module where there is one that ``envoy`` takes; else WebAssembly, and an event."""
    native = native_module_path()
    if native is None:
        reason = f"there is none for this processor ({platform.machine()})"
    else:
        reason = await asyncio.to_thread(refusal, envoy, native)
        if not reason:
            return FilterModule(str(native), native=True)
    on_event(events.NativeModuleRefused(events.EnvoyProgram(str(envoy.path)), reason))
    return FilterModule(str(module_path()))


def identity(module: FilterModule) -> str:
    """Differs for modules with different contents. The path may stay the same in an upgrade."""
    return hashlib.sha256(Path(module.path).read_bytes()).hexdigest()
