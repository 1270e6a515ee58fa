"""The lines of a log file: what is there, and what is added, across the change to a new file."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

#: A line without an end that is longer than this is handed out in parts.
_LONGEST = 1024 * 1024


class LogLines:
    """One file that something else writes; it is moved to ``FILE.1`` at a limit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._partial = b""

    def written(self, last: int | None) -> list[str]:
        """The last lines that are there (None: all). Later ones are ``added``'s."""
        earlier = _lines_of(self._path.with_name(f"{self._path.name}.1"), last)
        lines = [*earlier, *self.added()]
        return lines if last is None else list(deque(lines, maxlen=last))

    def added(self) -> list[str]:
        """The lines that have come to their end since the last call."""
        lines = self._read()
        if self._moved():
            self.close()
            lines += self._read()
        return lines

    def rest(self) -> list[str]:
        """The last line, if it has no end yet."""
        return [_text(self._partial)] if self._partial else []

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self) -> list[str]:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return []
        *lines, self._partial = (self._partial + self._file.read()).split(b"\n")
        if len(self._partial) > _LONGEST:
            lines.append(self._partial)
            self._partial = b""
        return list(map(_text, lines))

    def _moved(self) -> bool:
        """Whether the file's name leads to another one by now."""
        if self._file is None:
            return False
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return now.st_ino != os.fstat(self._file.fileno()).st_ino


def _lines_of(path: Path, last: int | None) -> Iterable[str]:
    try:
        with path.open("rb") as file:
            return deque((_text(line.rstrip(b"\n")) for line in file), maxlen=last)
    except FileNotFoundError:
        return []


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")
