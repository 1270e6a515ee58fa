"""Fingerprints: tell whether files have changed, and whether they are being written, unread.

The watcher compares fingerprints every moment instead of asking the kernel for notifications.
Notifications miss what matters here: the swap of a ConfigMap's symlinks, the target of a link,
folders that are renamed and come back, and network file systems.
"""

from __future__ import annotations

import enum
import errno
import os
import signal
import stat
from collections.abc import Iterable, Mapping, Sequence

from laneway.adapters.files.sources import files
from laneway.model.findings import Finding

try:
    import fcntl
except ImportError:  # not on Unix
    fcntl = None  # type: ignore[assignment]

#: One file from outside: where and how large it is, and when it changed; or why it has no status.
Fingerprint = tuple[int, ...]
#: By the names under which the files would be read.
Fingerprints = Mapping[str, Fingerprint]


class Writers(enum.Enum):
    """Whether any process has a file open for writing."""

    NONE = "none"
    SOME = "some"
    UNKNOWN = "unknown"


def fingerprints(paths: Sequence[str]) -> Fingerprints:
    """Of every file that would be read now, what cannot be read included."""
    found: dict[str, Fingerprint] = {}
    for path in paths:
        for name in files(path):
            if isinstance(name, Finding):
                found[str(name)] = ()
            else:
                found[name] = fingerprint(name)
    return found


def fingerprint(name: str) -> Fingerprint:
    try:
        status = os.stat(name)
    except OSError as error:
        return (error.errno or 0,)
    except ValueError:  # no path at all
        return ()
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def changed_at(found: Fingerprint) -> int:
    """When the file, or what leads to it, was changed last, in nanoseconds; 0 for no file."""
    return found[-1] if len(found) > 1 else 0


def written(names: Iterable[str]) -> Mapping[str, Writers]:
    """Those of the files which are being written, or of which the system does not tell."""
    found = {name: writers(name) for name in names}
    return {name: who for name, who in found.items() if who is not Writers.NONE}


def writers(name: str) -> Writers:
    """Asks for a read lease, which Linux grants only where nobody has the file open for writing.

    ``fcntl(2)``, "Leases". The lease is given back at once. A process that opens the file within
    these microseconds waits until then, and the kernel would send this process SIGIO, which ends
    it: SIGURG is asked for instead, which is ignored by default. Only the file's owner gets leases,
    and only from file systems that have them.
    """
    if fcntl is None or not hasattr(fcntl, "F_SETLEASE"):
        return Writers.UNKNOWN
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            return Writers.NONE  # it will be refused
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Writers.NONE
    except (OSError, ValueError):
        return Writers.UNKNOWN
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return Writers.SOME if error.errno == errno.EAGAIN else Writers.UNKNOWN
    finally:
        os.close(descriptor)
    return Writers.NONE
