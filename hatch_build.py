"""Compiles the trace-memory filter, so that ``pip install`` alone gives a complete package.

It also puts the examples, which ``laneway demo`` runs, into the wheel.

Hatchling calls the hook before it makes a wheel, editable ones included; the compiler is the
``ziglang`` build dependency. ``python hatch_build.py`` does the same for those who work on the
filter, and prints the module's path.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "filter" / "src"
MODULE = ROOT / "src" / "laneway" / "filter" / "trace_memory.wasm"
CACHE = ROOT / ".zig-cache"
COMPILER = "ziglang"


class FilterBuildError(Exception):
    """The module could not be compiled; the message has the compiler's own words."""


def zig(*arguments: str | Path, cached: bool = True) -> None:
    """Run the compiler that the ``ziglang`` distribution brings."""
    command = [sys.executable, "-m", COMPILER, *map(str, arguments)]
    if cached:
        command += ["--cache-dir", str(CACHE), "--global-cache-dir", str(CACHE / "global")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said = (done.stderr + done.stdout).strip()
    if f"No module named {COMPILER}" in said:
        raise FilterBuildError(
            f"the trace-memory filter needs Zig: {sys.executable} -m pip install ziglang==0.17.1"
        )
    raise FilterBuildError(f"zig {arguments[0]} failed for the trace-memory filter:\n{said}")


def is_current() -> bool:
    """Whether the module is there and no source, nor this recipe, is newer."""
    if not MODULE.exists():
        return False
    built = MODULE.stat().st_mtime_ns
    return all(s.stat().st_mtime_ns <= built for s in (Path(__file__), *SOURCES.glob("*.zig")))


def build() -> Path:
    """Compile the module unless it is current; return its path."""
    if is_current():
        return MODULE
    if not (SOURCES / "main.zig").exists():
        raise FilterBuildError(f"the trace-memory filter's sources are missing: no {SOURCES}")
    with tempfile.TemporaryDirectory(dir=MODULE.parent, prefix=".build-") as scratch:
        fresh = Path(scratch) / MODULE.name
        zig(
            "build-exe",
            SOURCES / "main.zig",
            *("-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory"),
            *("-O", "ReleaseFast", "-fstrip", "-fno-entry", "-rdynamic"),
            f"-femit-bin={fresh}",
        )
        # In one step: an Envoy that starts meanwhile reads the old module or the new one.
        fresh.replace(MODULE)
    return MODULE


def get_build_hook() -> type[BuildHookInterface[Any]]:
    """What hatchling looks for; here, so that compiling alone needs no hatchling."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class FilterBuildHook(BuildHookInterface[Any]):
        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            if self.target_name == "wheel":
                build()
                if version != "editable":  # There they are found at the root of the sources.
                    build_data["force_include"][str(ROOT / "examples")] = "laneway/examples"

    return FilterBuildHook


if __name__ == "__main__":
    try:
        print(build())
    except FilterBuildError as error:
        sys.exit(str(error))
