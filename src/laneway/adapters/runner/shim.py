"""A process between laneway and one workload, which ends all processes that the workload starts.

``processes`` runs this file as a program (``python -I -S shim.py FD COMMAND...``) for each
workload. It is a child subreaper (``prctl(2)``): all processes that the workload starts, even those
that detach themselves (``setsid``, a double fork, ``daemonize``), remain descendants of the shim.
When the workload's own process ends, or laneway ends, all of them are killed.

When laneway ends in any way, the kernel closes the shim's standard input. The shim writes the
workload's process id to FD, and ends with the workload's exit code or signal. See decision 0012.
It uses only a small part of the standard library, to start fast.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Python ignores these signals, and executed programs would inherit that.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
# A process in an uninterruptible system call does not die before that returns.
_MOST_SECONDS = 5.0


def main(report: int, command: list[str]) -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # A shim that was stopped (SIGSTOP) notices laneway's end only when it continues.
    _prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
    os.set_inheritable(report, False)
    wakeups, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wakeup)
    inherited = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGCHLD, *_ENDING)
    }
    shim = os.getpid()
    workload = os.fork()
    if workload == 0:
        for number, action in inherited.items():
            signal.signal(number, signal.SIG_IGN if action == signal.SIG_IGN else signal.SIG_DFL)
        _execute(shim, command)
    os.write(report, b"%d\n" % workload)
    os.close(report)
    _release_output()
    _wait(workload, wakeups)
    _end_as(_kill_descendants(workload))


def _execute(shim: int, command: list[str]) -> None:
    """Becomes the workload, in a new session, so that a terminal's Ctrl-C does not reach it."""
    try:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != shim:
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _exec(command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode(errors="surrogateescape"))
        os._exit(127 if error.errno == errno.ENOENT else 126)


def _exec(command: list[str]) -> None:
    # Python itself may have changed os.environ (PEP 538).
    pairs = (pair.partition(b"=") for pair in _content("/proc/self/environ").split(b"\0"))
    environment = {name: value for name, equals, value in pairs if equals}
    try:
        os.execve(command[0], command, environment)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        os.execve("/bin/sh", ["/bin/sh", *command], environment)  # as shells do


def _release_output() -> None:
    """Closes the output, which ends when its last writer ends. That must not be the shim."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _wait(workload: int, wakeups: int) -> None:
    """Waits until the workload has ended (without reaping it), or everything is to end."""
    while not _has_ended(workload):
        readable, _, _ = select.select([0, wakeups], [], [])
        if 0 in readable and not os.read(0, 1024):
            return
        if wakeups in readable and set(os.read(wakeups, 1024)) & set(_ENDING):
            return


def _has_ended(workload: int) -> bool:
    """Reaps adopted processes, but not the workload, whose process id must not be used again."""
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return False
        if ended.si_pid == workload:
            return True
        os.waitpid(ended.si_pid, 0)


def _kill_descendants(workload: int) -> int:
    """Kills all descendants. Returns how the workload ended.

    It is enough to kill children repeatedly, because the shim adopts their children.
    """
    deadline = time.monotonic() + _MOST_SECONDS
    code = 1
    while time.monotonic() < deadline:
        for child in _children():
            with contextlib.suppress(OSError):  # it has ended, or runs as another user
                os.kill(child, signal.SIGKILL)
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == workload:
                    code = os.waitstatus_to_exitcode(ended[1])
        except ChildProcessError:
            break
        time.sleep(0.0001)  # shorter than what it takes to start a process
    return code


def _children() -> list[int]:
    shim = os.getpid()
    try:
        return [int(pid) for pid in _content(f"/proc/self/task/{shim}/children").split()]
    except OSError:  # not in every kernel (CONFIG_PROC_CHILDREN)
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == shim]


def _parent(pid: str) -> int:
    try:
        stat = _content(f"/proc/{pid}/stat")
    except OSError:
        return 0
    return int(stat.rpartition(b")")[2].split()[1])


def _content(path: str) -> bytes:
    """Of a file. To import ``pathlib`` takes as long as all the rest."""
    with open(path, "rb") as file:
        return file.read()


def _end_as(code: int) -> None:
    if code >= 0:
        os._exit(code)
    _prctl(_PR_SET_DUMPABLE, 0)  # one core dump is enough
    if -code not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    os._exit(128 - code)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
