"""Compiles the trace-memory filter, so that ``pip install`` alone gives a complete package.

The filter is compiled to WebAssembly, and to modules that Envoy loads as native code. A wheel has
those for every processor; an editable install only the one for the machine that it is made on.

It also puts the examples, which ``laneway demo`` runs, into the wheel, and the console if it was
built (by ``build_backend.py``, or ``make console``).

Hatchling calls the hook before it makes a wheel, editable ones included; the compiler is the
``ziglang`` build dependency. ``python hatch_build.py`` does the same for those who work on the
filter, and prints the modules' paths.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "filter" / "src"
PACKAGE = ROOT / "src" / "laneway" / "filter"
CONSOLE = ROOT / "console" / "dist"
CACHE = ROOT / ".zig-cache"
COMPILER = "ziglang"
PROCESSORS = ("x86_64", "aarch64")


class Module(NamedTuple):
    """One file to compile. ``arguments`` are the compiler's, ``root`` and ``others`` sources.

    No dataclass: hatchling runs this file without making it a module that can be found.
    """

    name: str
    root: str
    arguments: Sequence[str]
    others: Sequence[str] = ()

    @property
    def path(self) -> Path:
        return PACKAGE / self.name

    def is_current(self) -> bool:
        """Whether the file is there and no source, nor this recipe, is newer."""
        if not self.path.exists():
            return False
        built = self.path.stat().st_mtime_ns
        sources = (s for s in SOURCES.iterdir() if s.suffix in (".zig", ".c"))
        return all(s.stat().st_mtime_ns <= built for s in (Path(__file__), *sources))

    def build(self) -> Path:
        """Compile it unless it is current; return its path."""
        if self.is_current():
            return self.path
        if not (SOURCES / self.root).exists():
            raise FilterBuildError(f"the trace-memory filter's sources are missing: no {SOURCES}")
        with tempfile.TemporaryDirectory(dir=PACKAGE, prefix=".build-") as scratch:
            fresh = Path(scratch) / self.name
            sources = (SOURCES / name for name in (self.root, *self.others))
            zig(*self.arguments, "-fstrip", f"-femit-bin={fresh}", *sources)
            # In one step: an Envoy that starts meanwhile reads the old module or the new one.
            fresh.replace(self.path)
        return self.path


WASM = Module(
    "trace_memory.wasm",
    "main.zig",
    (
        *("build-exe", "-target", "wasm32-freestanding", "-mcpu=generic+bulk_memory"),
        *("-O", "ReleaseFast", "-fno-entry", "-rdynamic"),
    ),
)


def native(processor: str, root: str = "native.zig") -> Module:
    """The module for Envoys on Linux with glibc, which all that are released for it have."""
    return Module(
        f"trace_memory.{processor}.so",
        root,
        (
            *("build-lib", "-dynamic", "-target", f"{processor}-linux-gnu.2.17", "-lc"),
            # What Envoy exports is found when it loads the module.
            *("-O", "ReleaseSafe", "-fallow-shlib-undefined"),
        ),
        ("guard.c",),
    )


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


def modules(processors: Iterable[str]) -> Sequence[Module]:
    return (WASM, *(native(processor) for processor in processors if processor in PROCESSORS))


def build(processors: Iterable[str] = (platform.machine(),)) -> Sequence[Path]:
    """Compile the modules that are not current; return the paths of all of them."""
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(Module.build, modules(processors)))


def get_build_hook() -> type[BuildHookInterface[Any]]:
    """What hatchling looks for; here, so that compiling alone needs no hatchling."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class FilterBuildHook(BuildHookInterface[Any]):
        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            if self.target_name == "wheel":
                editable = version == "editable"
                build([platform.machine()] if editable else PROCESSORS)
                if not editable:  # There they are found at the root of the sources.
                    build_data["force_include"][str(ROOT / "examples")] = "laneway/examples"
                    if (CONSOLE / "index.html").is_file():
                        build_data["force_include"][str(CONSOLE)] = "laneway/console"

    return FilterBuildHook


if __name__ == "__main__":
    try:
        print(*build(), sep="\n")
    except FilterBuildError as error:
        sys.exit(str(error))
