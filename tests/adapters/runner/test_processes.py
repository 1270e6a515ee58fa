from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.runner.event_recorders import eventually, is_running

from laneway.adapters.runner import processes
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.orphan_reaper import OrphanReaper
from laneway.adapters.runner.processes import ExitStatus, Process


class Starter:
    def __init__(self, folder: Path) -> None:
        self.log = LogFile(folder / "child.log")
        self.reaper = OrphanReaper()

    def python(self, code: str) -> Process:
        return Process.start(
            [sys.executable, "-c", code],
            environment={"PYTHONUNBUFFERED": "1"},
            working_directory=None,
            reaper=self.reaper,
            log=self.log,
        )

    async def said(self, text: str) -> None:
        await eventually(lambda: text in self.log.tail())


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    starter.reaper.close()
    starter.log.close()


async def test_output_and_exit_code_are_kept(starter: Starter) -> None:
    process = starter.python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert await process.wait() == ExitStatus(3)
    assert starter.log.tail() == ("out", "err")
    assert starter.log.path.read_text() == "out\nerr\n"


async def test_the_end_is_seen_where_there_is_no_pidfd(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", forbidden)
    assert str(await starter.python("raise SystemExit(7)").wait()) == "exited with 7"


async def test_standard_input_is_empty(starter: Starter) -> None:
    await starter.python("import sys; print(repr(sys.stdin.read()))").wait()
    assert starter.log.tail() == ("''",)


async def test_stop_asks_first(starter: Starter) -> None:
    process = starter.python(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('ready'); time.sleep(60)"
    )
    await starter.said("ready")
    assert await process.stop(grace=20.0) == ExitStatus(5)


async def test_stop_kills_what_does_not_listen(starter: Starter) -> None:
    process = starter.python(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(60)"
    )
    await starter.said("ready")
    status = await process.stop(grace=0.05)
    assert status == ExitStatus(-signal.SIGKILL)
    assert str(status) == "killed by SIGKILL"


async def test_children_of_a_child_end_with_it(starter: Starter) -> None:
    process = starter.python(
        "import subprocess, sys\n"
        "print(subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL).pid)"
    )
    await process.wait()
    grandchild = int(starter.log.tail()[0])
    await eventually(lambda: not is_running(grandchild))


async def test_an_interrupt_of_the_terminal_does_not_reach_it(starter: Starter) -> None:
    process = starter.python(
        "import os; print(os.getpgrp() == os.getsid(0) == os.getpid() != os.getppid())"
    )
    await process.wait()
    assert starter.log.tail() == ("True",)


async def test_a_descendant_that_left_the_group_does_not_delay_the_end(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_LAST_OUTPUT", 0.05)
    process = starter.python(
        "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
    )
    assert await process.wait() == ExitStatus(0)
    escaped = int(starter.log.tail()[0])
    assert is_running(escaped)
    os.kill(escaped, signal.SIGKILL)


async def test_a_waiting_caller_may_be_cancelled(starter: Starter) -> None:
    process = starter.python("import time; time.sleep(60)")
    waiting = asyncio.create_task(process.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await process.stop(grace=20.0) == ExitStatus(-signal.SIGTERM)


async def test_a_command_that_is_no_program_ends_as_in_a_shell(
    starter: Starter, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/absent/interpreter\n")
    script.chmod(0o755)
    process = Process.start(
        [str(script)],
        environment={},
        working_directory=None,
        reaper=starter.reaper,
        log=starter.log,
    )
    assert (await process.wait()).code in (126, 127)
    assert str(script) in starter.log.tail()[-1]


def test_nothing_runs_when_laneway_dies_before_the_reaper_holds_it(tmp_path: Path) -> None:
    """The gate's pipe ends without a line, as the kernel leaves it when its writer is killed."""
    ran = tmp_path / "ran"
    for given in (b"", b"\n"):
        assert not ran.exists()
        subprocess.run([*processes._GATE, "touch", str(ran)], input=given, check=False)
    assert ran.exists()
