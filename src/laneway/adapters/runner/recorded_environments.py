"""Records the environment of each workload in the run directory, for ``laneway env``.

A process that laneway does not start (in a debugger, an editor, a container) needs these variables,
too. The command reads them from here, and the user's shell evaluates its output. So nothing is read
from a folder that another user could have created or could replace.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from laneway.adapters.host.private_files import open_file, open_folder, write_file

FOLDER = "environments"
#: Separates a workload's name from the number of its second and later processes.
_NUMBER = "~"


@dataclass(frozen=True, slots=True)
class WorkloadEnvironment:
    """``workload`` is ``namespace/name``."""

    run_dir: Path
    workload: str
    variables: Mapping[str, str]


def write(run_dir: Path, process: str, variables: Mapping[str, str]) -> None:
    """``process`` is the name of a workload's process: ``default/cart``, ``default/cart~2``."""
    write_file(_path(run_dir, process), json.dumps(dict(variables)))


def remove(run_dir: Path, process: str) -> None:
    _path(run_dir, process).unlink(missing_ok=True)


def run_directories(environment: Mapping[str, str]) -> Sequence[Path]:
    """The temporary run directories of this user, in all places where laneway creates them."""
    places = (environment.get("XDG_RUNTIME_DIR"), environment.get("TMPDIR"), "/tmp")
    found = {
        path for place in filter(None, places) for path in sorted(Path(place).glob("laneway-*"))
    }
    return [path for path in sorted(found) if _is_ours(path)]


def running(run_dir: Path) -> Sequence[WorkloadEnvironment]:
    """The environments of a running laneway. Of several processes of a workload, the newest."""
    newest = sorted(_read(run_dir), key=lambda found: found[0])
    return list({each.workload: each for _, each in newest}.values())


def _read(run_dir: Path) -> Iterator[tuple[int, WorkloadEnvironment]]:
    if not ((run_dir / FOLDER).is_dir() and _is_locked(run_dir)):
        return
    folder = open_folder(run_dir / FOLDER)
    try:
        for name in os.listdir(f"/proc/self/fd/{folder}"):  # opened with O_PATH
            namespace, _, process = name.removesuffix(".json").partition("_")
            with contextlib.suppress(FileNotFoundError):
                descriptor = open_file(folder, run_dir / FOLDER / name, os.O_RDONLY)
                with open(descriptor, encoding="utf-8") as file:
                    made, variables = os.fstat(file.fileno()).st_mtime_ns, json.load(file)
                workload = f"{namespace}/{process.partition(_NUMBER)[0]}"
                yield made, WorkloadEnvironment(run_dir, workload, variables)
    finally:
        os.close(folder)


def _is_locked(run_dir: Path) -> bool:
    """Whether a running laneway uses the directory."""
    try:
        lock = os.open(run_dir / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _is_ours(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()


def _path(run_dir: Path, process: str) -> Path:
    return run_dir / FOLDER / f"{process.replace('/', '_')}.json"
