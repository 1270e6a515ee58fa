"""Nothing that a workload starts outlives it, and the workload does not notice its shim."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.runner.event_recorders import eventually, is_running
from tests.adapters.runner.test_processes import Starter

from laneway.adapters.runner.processes import _SHIM, ExitStatus, Process

pytestmark = pytest.mark.slow

# Each starts something that has left the process group, and whose process id it prints.
SLEEP = "os.execvp('sleep', ['sleep', '600'])"
# Each writes a line at once, so that lines of several processes do not mix.
DAEMON = f"""
    os.setsid()
    if os.fork(): os._exit(0)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
    os.chdir('/'); os.write(1, b'%d\\n' % os.getpid()); os.closerange(0, 100)
    {SLEEP}
"""  # noqa: E501
ESCAPES = {
    "a session of its own": f"""
if os.fork() == 0:
    os.setsid(); os.write(1, b'%d\\n' % os.getpid())
    {SLEEP}
""",
    "a group of its own": f"""
if os.fork() == 0:
    os.setpgid(0, 0); os.write(1, b'%d\\n' % os.getpid())
    {SLEEP}
""",
    "a daemon": f"""
if os.fork() == 0: {DAEMON}
""",
    "a daemon's daemon": f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: {DAEMON.replace(chr(10), chr(10) + "    ")}
    os._exit(0)
""",
    "a stopped daemon": """
if os.fork() == 0:
    os.setsid(); os.write(1, b'%d\\n' % os.getpid())
    os.kill(os.getpid(), signal.SIGSTOP)
""",
    "one that starts others all the time": """
if os.fork() == 0:
    os.setsid(); os.write(1, b'%d\\n' % os.getpid())
    end = time.monotonic() + 20  # where the shim fails, it does not go on for ever
    while time.monotonic() < end:
        if os.fork():
            os._exit(0)
        time.sleep(0.0005)
""",
}


def program(escape: str, ending: str) -> str:
    return f"import os, signal, sys, time\n{ESCAPES[escape]}\n{ending}"


class Trees(Starter):
    def python(self, code: str) -> Process:
        return Process.start_tree(
            [sys.executable, "-c", code],
            environment={"PYTHONUNBUFFERED": "1", "MARK": str(self.log.path)},
            working_directory=None,
            reaper=self.reaper,
            log=self.log,
        )

    def living(self) -> list[int]:
        """Everything that has the environment of these workloads, whoever its parent is."""
        mark = f"MARK={self.log.path}".encode()
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if has(pid, mark)]


def has(pid: int, mark: bytes) -> bool:
    try:
        return is_running(pid) and mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


@pytest.fixture
def trees(tmp_path: Path) -> Iterator[Trees]:
    trees = Trees(tmp_path)
    yield trees
    left = trees.living()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    trees.reaper.close()
    trees.log.close()
    assert not left


@pytest.mark.parametrize("escape", ESCAPES)
async def test_what_has_left_the_group_ends_when_the_workload_ends(
    escape: str, trees: Trees
) -> None:
    process = trees.python(program(escape, "sys.stdin.read(); time.sleep(0.2); sys.exit(3)"))
    await eventually(lambda: bool(trees.log.tail()))
    assert await process.wait() == ExitStatus(3)
    assert trees.living() == []


@pytest.mark.parametrize("escape", ESCAPES)
async def test_what_has_left_the_group_ends_when_the_workload_is_stopped(
    escape: str, trees: Trees
) -> None:
    process = trees.python(program(escape, "time.sleep(600)"))
    await eventually(lambda: bool(trees.log.tail()))
    assert process.pid in trees.living()
    assert is_running(int(trees.log.tail()[0])) or escape.startswith("one that")
    assert await process.stop(grace=20.0) == ExitStatus(-signal.SIGTERM)
    assert trees.living() == []


@pytest.mark.parametrize("escape", ESCAPES)
def test_what_has_left_the_group_ends_with_laneway(escape: str, tmp_path: Path) -> None:
    """Which the shim sees as the end of its input, however laneway ended."""
    mark = f"MARK={tmp_path}".encode()
    report, told = os.pipe()
    shim = subprocess.Popen(
        [*_SHIM, str(told), sys.executable, "-c", program(escape, "time.sleep(600)")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"MARK": str(tmp_path)},
        pass_fds=[told],
        start_new_session=True,
    )
    os.close(told)
    assert shim.stdin is not None
    assert shim.stdout is not None
    with open(report, "rb") as pids:
        workload = int(pids.readline())
    assert is_running(workload)
    assert int(shim.stdout.readline()) != workload
    shim.stdin.close()
    assert shim.wait(60) == -signal.SIGKILL
    shim.stdout.close()
    assert not any(has(int(pid), mark) for pid in os.listdir("/proc") if pid.isdigit())


async def test_a_stopped_shim_does_not_keep_a_workload(trees: Trees) -> None:
    process = trees.python("import time; print('ready'); time.sleep(600)")
    await trees.said("ready")
    (shim,) = (pid for pid in trees.living() if pid != process.pid)
    os.kill(shim, signal.SIGSTOP)
    assert await process.stop(grace=20.0) == ExitStatus(-signal.SIGTERM)


async def test_a_killed_shim_takes_the_workload_and_its_group_along(trees: Trees) -> None:
    """What has left the group stays, then: the documented limit."""
    process = trees.python(
        "import subprocess, time; subprocess.Popen(['sleep', '600']); print('ready'); "
        "time.sleep(600)"
    )
    await trees.said("ready")
    (shim,) = (pid for pid in trees.living() if parent(process.pid) == pid)
    os.kill(shim, signal.SIGKILL)
    assert await process.wait() == ExitStatus(-signal.SIGKILL)
    await eventually(lambda: not trees.living())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_to_the_shim_ends_the_whole(trees: Trees, number: signal.Signals) -> None:
    process = trees.python(program("a daemon", "os.write(1, b'ready\\n'); time.sleep(600)"))
    await trees.said("ready")
    os.kill(parent(process.pid), number)
    await process.wait()
    assert trees.living() == []


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE])
async def test_the_signal_that_ended_it_is_reported(trees: Trees, number: signal.Signals) -> None:
    process = trees.python(
        f"import os, signal; signal.signal({number:d}, signal.SIG_DFL) if {number:d} != 9 else 0; "
        f"os.kill(os.getpid(), {number:d})"
    )
    assert await process.wait() == ExitStatus(-number)


async def test_the_workload_finds_what_it_would_find_without_a_shim(trees: Trees) -> None:
    process = trees.python(
        "import os, signal, sys\n"
        "status = dict(l.split(':\\t') for l in open('/proc/self/status').read().splitlines())\n"
        "print(os.getpid(), os.getpgrp(), os.getsid(0))\n"
        "print(sorted(set(os.environ) - {'LC_CTYPE'}), sorted(os.listdir('/proc/self/fd'))[:-1])\n"
        "print(sys.stdin.read() == '', os.path.realpath('/proc/self/cwd'))\n"
        "print(status['SigBlk'], open('/proc/self/environ').read().count('LC_CTYPE'))"
    )
    await process.wait()
    pid = process.pid
    assert trees.log.tail() == (
        f"{pid} {pid} {pid}",
        "['MARK', 'PYTHONUNBUFFERED'] ['0', '1', '2']",
        f"True {Path.cwd()}",
        f"{0:016x} 0",
    )


async def test_signals_that_python_ignores_are_not_ignored_by_the_workload(trees: Trees) -> None:
    ignored = int("".join(status_of_this_process("SigIgn")), 16)
    process = Process.start_tree(
        ["/bin/sh", "-c", "grep SigIgn /proc/self/status"],
        environment={"PATH": os.defpath},
        working_directory=None,
        reaper=trees.reaper,
        log=trees.log,
    )
    await process.wait()
    python = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    assert int(trees.log.tail()[0].split()[1], 16) == ignored & ~python


def status_of_this_process(field: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(field))


@pytest.mark.parametrize(("text", "code"), [("echo hello\n", 0), ("#!/absent/interpreter\n", 127)])
async def test_a_file_that_is_no_program_ends_as_in_a_shell(
    text: str, code: int, trees: Trees, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    script.chmod(0o755)
    process = Process.start_tree(
        [str(script)], environment={}, working_directory=None, reaper=trees.reaper, log=trees.log
    )
    assert await process.wait() == ExitStatus(code)
    assert trees.log.tail()[-1] in ("hello", f"{script}: No such file or directory")


def test_it_needs_nothing_of_laneway() -> None:
    """It starts often; what it would import, it would import often."""
    command = [_SHIM[0], "-I", "-S", "-X", "importtime", _SHIM[-1], "2", "/bin/true"]
    said = subprocess.run(command, stdin=subprocess.PIPE, capture_output=True, check=False).stderr
    assert b"laneway" not in said
