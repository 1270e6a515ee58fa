"""The files that a workload watches, as fingerprints: what is to be looked at, and what is not.

Files are looked at again and again, for the reasons that ``fingerprints`` gives.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from laneway.adapters.files.fingerprints import Fingerprints, fingerprint

#: Folders that tools fill by themselves, beside all that are hidden.
_SKIPPED = frozenset({"__pycache__", "node_modules"})
#: Compiled files, logs, and what editors keep beside a file: Vim's swap files, backups and trial
#: "4913", Emacs' "#file#", JetBrains' "___jb_tmp___".
_BESIDE = re.compile(r".*(~|\.py[co]|\.log|\.sw[a-p]|\.tmp|___jb_(tmp|old)___)|4913|#.*#")


def tree_fingerprints(paths: Iterable[str]) -> Fingerprints:
    """Of all files at these paths, by their names; a path that leads nowhere is listed, too."""
    return {name: fingerprint(name) for path in paths for name in _files(path)}


def _files(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = [each for each in folders if not _is_hidden(each) and each not in _SKIPPED]
        for name in files:
            if not _is_hidden(name) and not _BESIDE.fullmatch(name):
                yield str(Path(folder, name))


def _is_hidden(name: str) -> bool:
    return name.startswith(".")
