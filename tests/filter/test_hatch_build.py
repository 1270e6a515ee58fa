"""Installing the package compiles the filter."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import hatch_build
import pytest

from laneway import filter as trace_memory

pytestmark = pytest.mark.slow

WASM, X86, ARM = hatch_build.modules(hatch_build.PROCESSORS)


def test_a_wheel_has_the_modules_for_every_processor(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=hatch_build.ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {m.name: archive.read(f"laneway/filter/{m.name}") for m in (WASM, X86, ARM)}
        console = {name for name in archive.namelist() if name.startswith("laneway/console/")}
    assert packed[WASM.name] == trace_memory.module_path().read_bytes()
    # ELF's e_machine.
    machines = {
        name: int.from_bytes(packed[name][18:20], "little") for name in (X86.name, ARM.name)
    }
    assert machines == {X86.name: 62, ARM.name: 183}
    built = {
        f"laneway/console/{path.relative_to(hatch_build.CONSOLE)}"
        for path in hatch_build.CONSOLE.rglob("*")
        if path.is_file()
    }
    assert console == built, "the console where it was built, and nothing where it was not"


def test_an_archive_of_the_sources_has_the_console_that_was_built(tmp_path: Path) -> None:
    page = hatch_build.CONSOLE / "index.html"
    if not page.is_file():
        pytest.skip("the console was not built: `make console` builds it")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=hatch_build.ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = [name.partition("/")[2] for name in files.getnames()]
    assert "console/dist/index.html" in names
    assert not [name for name in names if "node_modules" in name]


def test_the_module_is_webassembly_that_envoy_can_call() -> None:
    module = trace_memory.module_path().read_bytes()
    assert module.startswith(b"\0asm\1\0\0\0")
    assert b"proxy_abi_version_0_2_1" in module


def test_the_native_module_has_what_envoy_looks_for() -> None:
    path = trace_memory.native_module_path()
    assert path is not None
    module = path.read_bytes()
    for hook in ("program_init", "early_header_mutation_mutate", "access_logger_log"):
        assert b"envoy_dynamic_module_on_" + hook.encode() in module


def test_another_processor_has_no_native_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert trace_memory.native_module_path() is None
    assert hatch_build.modules(["riscv64"]) == (hatch_build.WASM,)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> hatch_build.Module:
    """A module with sources of its own."""
    monkeypatch.setattr(hatch_build, "SOURCES", tmp_path)
    monkeypatch.setattr(hatch_build, "PACKAGE", tmp_path)
    return hatch_build.WASM


def test_it_compiles_again_only_when_a_source_is_newer(
    scratch: hatch_build.Module, tmp_path: Path
) -> None:
    source = tmp_path / "main.zig"
    source.write_text("export fn answer() u32 {\n    return 42;\n}\n")

    module = scratch.build()
    first = module.stat()
    assert scratch.build() == module
    assert module.stat().st_ino == first.st_ino
    os.utime(source, ns=(0, first.st_mtime_ns + 1))
    assert not scratch.is_current()
    assert scratch.build() == module
    assert module.stat().st_ino != first.st_ino


def test_a_failing_compilation_says_why_and_leaves_the_old_module(
    scratch: hatch_build.Module, tmp_path: Path
) -> None:
    (tmp_path / "main.zig").write_text("export fn answer() u32 {\n    return forty_two;\n}\n")
    scratch.path.write_bytes(b"old")
    os.utime(scratch.path, (0, 0))

    with pytest.raises(hatch_build.FilterBuildError, match="undeclared identifier 'forty_two'"):
        scratch.build()
    assert scratch.path.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"main.zig", scratch.name}


def test_without_zig_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build, "COMPILER", "a_compiler_that_is_not_there")
    with pytest.raises(hatch_build.FilterBuildError, match="pip install ziglang==0"):
        hatch_build.zig("version")


def test_a_missing_module_is_answered_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_memory, "_MODULE", tmp_path / "trace_memory.wasm")
    with pytest.raises(trace_memory.FilterNotBuilt, match=r"python hatch_build\.py"):
        trace_memory.module_path()
