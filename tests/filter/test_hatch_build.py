"""Installing the package compiles the filter."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import hatch_build
import pytest

from laneway import filter as trace_memory


def test_a_wheel_has_the_module(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=hatch_build.ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        module = archive.read("laneway/filter/trace_memory.wasm")
    assert module == trace_memory.module_path().read_bytes()


def test_the_module_is_webassembly_that_envoy_can_call() -> None:
    module = trace_memory.module_path().read_bytes()
    assert module.startswith(b"\0asm\1\0\0\0")
    assert b"proxy_abi_version_0_2_1" in module


def test_it_compiles_again_only_when_a_source_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, module = tmp_path / "main.zig", tmp_path / "trace_memory.wasm"
    source.write_text("export fn answer() u32 {\n    return 42;\n}\n")
    monkeypatch.setattr(hatch_build, "SOURCES", tmp_path)
    monkeypatch.setattr(hatch_build, "MODULE", module)

    assert hatch_build.build() == module
    first = module.stat()
    assert hatch_build.build() == module
    assert module.stat().st_ino == first.st_ino
    os.utime(source, ns=(0, first.st_mtime_ns + 1))
    assert not hatch_build.is_current()
    assert hatch_build.build() == module
    assert module.stat().st_ino != first.st_ino


def test_a_failing_compilation_says_why_and_leaves_the_old_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.zig").write_text("export fn answer() u32 {\n    return forty_two;\n}\n")
    module = tmp_path / "trace_memory.wasm"
    module.write_bytes(b"old")
    os.utime(module, (0, 0))
    monkeypatch.setattr(hatch_build, "SOURCES", tmp_path)
    monkeypatch.setattr(hatch_build, "MODULE", module)

    with pytest.raises(hatch_build.FilterBuildError, match="undeclared identifier 'forty_two'"):
        hatch_build.build()
    assert module.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"main.zig", "trace_memory.wasm"}


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
