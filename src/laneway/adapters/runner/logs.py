"""Keeps the output of child processes: in a file of limited size, and the last lines in memory.

A thread reads a child's output from a pipe, whatever happens to the file. So neither a full disk
nor a stalled event loop can block an application in its ``write``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from laneway.adapters.host.private_files import open_file, open_folder

MOST_BYTES = 10 * 1024 * 1024
_TAIL_LINES = 20
_TAIL_LINE_BYTES = 2000
_LARGER_PIPE = 1024 * 1024


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


class Output:
    """The output of a child: a thread reads it from a pipe into ``log`` until all writers are gone.

    Then it calls ``on_end``.
    """

    def __init__(self, descriptor: int, log: LogFile, on_end: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._log = log
        self._on_end = on_end
        self._reading = threading.Lock()
        self._ended = self._released = False
        name = f"log {log.path.name}"
        threading.Thread(target=self._read_to_end, name=name, daemon=True).start()

    def release(self) -> int | None:
        """Stops reading, and loses nothing. Returns the pipe, or None if all writers are gone.

        Writers wait once the pipe is full, so it is made larger, if the system allows that.
        """
        with self._reading:
            if self._ended:
                return None
            self._released = True
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _LARGER_PIPE)
        return self._descriptor

    def _read_to_end(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while True:
            poll.poll()
            with self._reading:
                if self._released:
                    return
                try:
                    data = os.read(self._descriptor, 65536)
                except OSError:
                    data = b""
                if not data:
                    self._ended = True
                    os.close(self._descriptor)
                    break
                self._log.write(data)
        self._on_end()
