"""Keeps the output of child processes: in a file of limited size, and the last lines in memory.

A thread reads a child's output from a pipe, whatever happens to the file. So neither a full disk
nor a stalled event loop can block an application in its ``write``.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from laneway.adapters.host.private_files import open_file, open_folder

MOST_BYTES = 10 * 1024 * 1024
_TAIL_LINES = 20
_TAIL_LINE_BYTES = 2000


class LogFile:
    """Appends to ``path``. At ``most_bytes`` the file is renamed to ``path.1``, replacing that.

    A process and its successor may append to one file, which then may grow to twice its limit.

    Output that cannot be written is dropped. Then ``on_trouble`` is called once with the reason, in
    the thread that writes, and again only after a write has succeeded in between. ``on_line`` is
    called with every line, in that thread, too.
    """

    def __init__(
        self,
        path: Path,
        most_bytes: int = MOST_BYTES,
        on_trouble: Callable[[str], None] = lambda _: None,
        on_line: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.path = path
        self._most = most_bytes
        self._on_trouble = on_trouble
        self._on_line = on_line
        self._in_trouble = False
        self._descriptor: int | None = None
        self._size = 0
        self._lines: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._partial = b""
        # After a restart, the thread of the previous process may still read its pipe.
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Keeps ``data``. Never raises."""
        with self._lock:
            self._remember(data)
            try:
                self._append(data)
                self._in_trouble = False
            except OSError as error:
                if not self._in_trouble:
                    self._in_trouble = True
                    self._on_trouble(f"cannot write {self.path}: {error.strerror}")

    def tail(self) -> tuple[str, ...]:
        """The last lines, oldest first."""
        with self._lock:
            lines = [*self._lines, self._partial] if self._partial else list(self._lines)
        return tuple(line.decode(errors="replace") for line in lines[-_TAIL_LINES:])

    def close(self) -> None:
        with self._lock:
            self._close()

    def _remember(self, data: bytes) -> None:
        *lines, partial = (self._partial + data).split(b"\n")
        for line in (line.rstrip(b"\r")[:_TAIL_LINE_BYTES] for line in lines):
            self._lines.append(line)
            self._on_line(line)
        self._partial = partial[:_TAIL_LINE_BYTES]

    def _append(self, data: bytes) -> None:
        if self._size + len(data) > self._most and self._size:
            rotate = self._descriptor is None or not self._was_rotated(self._descriptor)
            self._close()
            self._open(rotate=rotate)
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        while data:
            written = os.write(self._descriptor, data)
            self._size += written
            data = data[written:]

    def _open(self, *, rotate: bool = False) -> None:
        folder = open_folder(self.path.parent)
        try:
            if rotate:
                name = self.path.name
                os.replace(name, f"{name}.1", src_dir_fd=folder, dst_dir_fd=folder)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = open_file(folder, self.path, flags)
        finally:
            os.close(folder)
        self._size = os.fstat(self._descriptor).st_size

    def _was_rotated(self, descriptor: int) -> bool:
        """Whether the other one that appends to the file began a new one."""
        try:
            return os.stat(self.path).st_ino != os.fstat(descriptor).st_ino
        except FileNotFoundError:
            return True

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def drain(descriptor: int, log: LogFile, on_end: Callable[[], None]) -> None:
    """Reads the pipe into ``log`` in a thread until all writers are gone, then calls ``on_end``."""

    def read_to_end() -> None:
        try:
            while data := os.read(descriptor, 65536):
                log.write(data)
        finally:
            os.close(descriptor)
            on_end()

    threading.Thread(target=read_to_end, name=f"log {log.path.name}", daemon=True).start()
