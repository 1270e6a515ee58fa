"""Watching: tells when what users declare may have changed on disk.

Only that something changed; ``read`` then says what is there now. Folders are watched rather than
files, since editors replace a file instead of writing into it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from watchfiles import Change, awatch

from laneway.adapters.files.sources import ENDINGS, STDIN

#: Milliseconds: changes that follow one another so closely are told as one.
DEBOUNCE = 100


class Unwatchable(ValueError):
    """Standard input cannot change once it is read."""


def changes(paths: Sequence[str]) -> AsyncGenerator[None, None]:
    """Yields once when watching has begun, then after each burst of changes.

    What changed before the first is for the caller to find. Raises ``Unwatchable``.
    """
    if STDIN in paths:
        raise Unwatchable("standard input cannot be watched; name files or folders")
    folders = [Path(path).resolve() for path in paths if Path(path).is_dir()]
    files = {Path(path).absolute() for path in paths if not Path(path).is_dir()}

    def concerns(_: Change, path: str) -> bool:
        if Path(path) in files:
            return True
        name = path.rpartition("/")[2]
        inside = any(Path(path).is_relative_to(folder) for folder in folders)
        return inside and name.endswith(ENDINGS) and not name.startswith(".")

    return _bursts({*folders, *(file.parent for file in files)}, concerns)


async def _bursts(
    folders: set[Path], concerns: Callable[[Change, str], bool]
) -> AsyncGenerator[None, None]:
    begun = False
    async for burst in awatch(
        *folders,
        watch_filter=concerns,
        debounce=DEBOUNCE,
        step=20,
        rust_timeout=200,
        yield_on_timeout=True,
    ):
        if burst or not begun:
            begun = True
            yield
