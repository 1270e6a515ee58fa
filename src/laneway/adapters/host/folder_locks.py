"""The locks by which a folder is one laneway's: as a run directory, or as the folder of a store.

Each adapter takes its own lock, and then looks for the other here. A laneway has the socket of its
API in either folder, so a second one would take the first one's socket away.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from laneway.adapters.host.holders import holder_of_lock
from laneway.adapters.host.private_files import open_file

RUN_DIRECTORY_LOCK = "lock"
STORE_LOCK = "store.lock"


def holder_of(folder: int, path: Path) -> str:
    """The process that has locked the file ``path`` in ``folder``; "" if nobody has.

    Raises ``OSError`` as ``open_file`` does, but not if the file is missing.
    """
    try:
        descriptor = open_file(folder, path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder_of_lock(descriptor)
    finally:
        os.close(descriptor)
    return ""
