"""One child process: starts it in its own group, keeps its output, and stops it.

Signals go to the whole group, like those of systemd to a unit, so that a shell, or a command that
starts others, ends as a whole. When the child ends, the rest of its group is killed *before* the
child is reaped, because until then its process id cannot be used again.

A workload may start any process, and therefore runs below a ``shim``, which also finds processes
that have left the group. A proxy starts none, and is laneway's own child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from laneway.adapters.host.children import Child, InheritedChild, is_child, start_time
from laneway.adapters.runner.logs import LogFile, Output
from laneway.adapters.runner.orphan_reaper import OrphanReaper, death_signal
from laneway.adapters.runner.records import ProcessRecord
from laneway.control.events import ExitStatus as ExitStatus

# Waits until the reaper knows the group. If laneway dies before that, the end of the pipe makes
# `read` fail, and nothing is run. Otherwise the child would be an orphan.
_GATE = ("/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh")

_SHIM = (sys.executable, "-I", "-S", str(Path(__file__).with_name("shim.py")))

# A descendant that has left the group may keep the output open for ever.
_LAST_OUTPUT = 1.0


class Process:
    """A running child. ``start`` creates it, in the thread of the running event loop."""

    def __init__(
        self,
        child: Child,
        pid: int,
        reaper: OrphanReaper,
        output: _Draining | None,
    ) -> None:
        self.pid = pid
        self._child = child
        self._reaper = reaper
        self._output = output
        self._ended = asyncio.create_task(self._end())

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        working_directory: Path | None,
        reaper: OrphanReaper,
        log: LogFile,
        umask: int = -1,
        inherited: Sequence[int] = (),
    ) -> Process:
        """Starts ``command``. Its standard output and error go to ``log``. Raises ``OSError``.

        A ``umask`` of -1 means laneway's own. The process has the descriptors ``inherited`` under
        the same numbers.
        """
        with _output(log) as (writer, output):
            child = subprocess.Popen(
                [*_GATE, *death_signal(), *command],
                stdin=subprocess.PIPE,
                stdout=writer,
                stderr=writer,
                env=environment,
                cwd=working_directory,
                start_new_session=True,
                umask=umask,
                pass_fds=inherited,
            )
        reaper.hold(child.pid)
        _open_gate(child)
        return cls(child, child.pid, reaper, output)

    @classmethod
    def start_tree(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        working_directory: Path | None,
        reaper: OrphanReaper,
        log: LogFile,
    ) -> Process:
        """Like ``start``, but all that ``command`` starts ends with it. Its first word is a path.

        ``pid`` is that of the command. laneway's child is the shim, which ends in the same way.
        """
        reading, writing = os.pipe()
        with open(reading, "rb") as report, _output(log) as (writer, output):
            try:
                child = subprocess.Popen(
                    [*_SHIM, str(writing), *command],
                    stdin=subprocess.PIPE,
                    stdout=writer,
                    stderr=writer,
                    env=environment,
                    cwd=working_directory,
                    start_new_session=True,
                    pass_fds=[writing],
                )
            finally:
                os.close(writing)
            pid = report.readline()
        if not pid:
            raise OSError(f"its shim ended with {child.wait()}: {' '.join(log.tail()[-1:])}")
        reaper.hold(int(pid))
        return cls(child, int(pid), reaper, output)

    @classmethod
    def adopt(cls, record: ProcessRecord, reaper: OrphanReaper, log: LogFile) -> Process | None:
        """The process that the program before this one handed over, even if it has ended by now.

        None if there is no such child any more.
        """
        if not is_child(record.child, record.started):
            for descriptor in (record.stdin, record.output):
                if descriptor is not None:
                    os.close(descriptor)
            return None
        child = InheritedChild(record.child, record.stdin)
        output = None if record.output is None else _Draining(record.output, log)
        reaper.hold(record.pid)
        return cls(child, record.pid, reaper, output)

    def hand_over(self) -> ProcessRecord | None:
        """The record for ``adopt``; None if it has ended. Its output is not read any more."""
        if self._child.returncode is not None:
            return None
        stdin = self._child.stdin
        return ProcessRecord(
            self.pid,
            self._child.pid,
            start_time(self._child.pid),
            None if stdin is None or stdin.closed else stdin.fileno(),
            None if self._output is None else self._output.pipe.release(),
        )

    async def wait(self) -> ExitStatus:
        """Waits until the process and its group have ended, and their output is in the log."""
        return await asyncio.shield(self._ended)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the group. Does nothing if the process has ended."""
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            if self._child.pid != self.pid:
                # A shim that is stopped (SIGSTOP) could not report that the workload ended.
                self._child.send_signal(signal.SIGCONT)

    async def stop(self, grace: float) -> ExitStatus:
        """Sends SIGTERM, and SIGKILL if the process still runs after ``grace`` seconds."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                return await self.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return await self.wait()

    async def _end(self) -> ExitStatus:
        await _exit_of(self._child.pid)
        self.signal(signal.SIGKILL)
        code = self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._reaper.drop(self.pid)
        if self._output is not None:
            await asyncio.wait({self._output.ended}, timeout=_LAST_OUTPUT)
        return ExitStatus(code)


class _Draining:
    """``ended`` is done after the last output."""

    def __init__(self, reader: int, log: LogFile) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pipe = Output(reader, log, _resolver(self.ended))


@contextlib.contextmanager
def _output(log: LogFile) -> Iterator[tuple[int, _Draining]]:
    """The descriptor to which a child writes, and what reads from it."""
    reader, writer = os.pipe()
    output = _Draining(reader, log)
    try:
        yield writer, output
    finally:
        os.close(writer)


def _open_gate(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(b"\n")
        child.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()


async def _exit_of(pid: int) -> None:
    """Waits for the child's end without reaping it."""
    loop = asyncio.get_running_loop()
    exited: asyncio.Future[None] = loop.create_future()
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:  # old kernels, and sandboxes that forbid it
        _wait_in_thread(pid, exited)
        await exited
        return
    try:
        loop.add_reader(descriptor, _resolve, exited)
        await exited
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _wait_in_thread(pid: int, exited: asyncio.Future[None]) -> None:
    resolve = _resolver(exited)

    def wait() -> None:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        resolve()

    threading.Thread(target=wait, name=f"wait {pid}", daemon=True).start()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _resolver(future: asyncio.Future[None]) -> Callable[[], None]:
    """Resolves ``future`` from another thread. Does nothing if its loop is closed already."""

    def resolve() -> None:
        with contextlib.suppress(RuntimeError):
            future.get_loop().call_soon_threadsafe(_resolve, future)

    return resolve
