"""A program goes on with the processes of the one before it. Here both are the same process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.runner.event_recorders import Recorder, eventually, is_running

from laneway.adapters.host.children import start_time
from laneway.adapters.runner.logs import LogFile
from laneway.adapters.runner.orphan_reaper import OrphanReaper
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.processes import ExitStatus, Process
from laneway.adapters.runner.records import ProcessRecord, SupervisorRecord
from laneway.adapters.runner.restart_policy import Backoff
from laneway.adapters.runner.supervisors import ProcessSpec, Supervisor
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.model.workloads import ReadinessProbe

TALKS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
for number in range(100_000):
    print(number, flush=True)
    time.sleep(0.001)
"""
SUBJECT = events.WorkloadInstance(ObjectName("default", "app"))


class Starter:
    def __init__(self, folder: Path) -> None:
        self.log = LogFile(folder / "child.log")
        self.reaper = OrphanReaper()

    def start(self, code: str, *, tree: bool = False) -> Process:
        start = Process.start_tree if tree else Process.start
        return start(
            [sys.executable, "-c", code],
            environment={},
            working_directory=None,
            reaper=self.reaper,
            log=self.log,
        )

    def adopt(self, record: ProcessRecord) -> Process | None:
        return Process.adopt(record, self.reaper, self.log)


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    starter.reaper.close()
    starter.log.close()


def handed_over(process: Process) -> ProcessRecord:
    """The record, when the process is forgotten as by ``execve``."""
    record = process.hand_over()
    assert record is not None
    process._ended.cancel()
    stdin = None if record.stdin is None else os.dup(record.stdin)
    if process._child.stdin is not None:
        process._child.stdin.close()
    process._child.returncode = 0
    return replace(record, stdin=stdin)


@pytest.mark.parametrize("tree", [False, True])
async def test_it_goes_on_and_no_output_is_lost(starter: Starter, tree: bool) -> None:
    process = starter.start(TALKS, tree=tree)
    await eventually(lambda: "20" in starter.log.tail())
    record = handed_over(process)
    silent = starter.log.tail()
    await asyncio.sleep(0.02)
    assert starter.log.tail() == silent
    adopted = starter.adopt(record)
    assert adopted is not None
    assert adopted.pid == process.pid
    await eventually(lambda: starter.log.tail() > silent)
    assert await adopted.stop(grace=20.0) == ExitStatus(5)
    lines = starter.log.path.read_text().split()
    assert lines == [str(number) for number in range(len(lines))]


async def test_the_end_of_one_that_has_ended_meanwhile_is_known(starter: Starter) -> None:
    process = starter.start("import time; time.sleep(60)")
    record = handed_over(process)
    os.kill(process.pid, signal.SIGKILL)
    await eventually(lambda: not is_running(process.pid))
    adopted = starter.adopt(record)
    assert adopted is not None
    assert await adopted.wait() == ExitStatus(-signal.SIGKILL)


async def test_a_process_of_others_is_not_adopted(starter: Starter) -> None:
    process = starter.start("import time; time.sleep(60)")
    record = ProcessRecord(process.pid, process.pid, start_time(process.pid), None, None)
    assert starter.adopt(replace(record, started=record.started - 1)) is None
    assert starter.adopt(replace(record, child=os.getppid(), started=0)) is None
    await process.stop(grace=20.0)
    assert starter.adopt(record) is None
    assert process.hand_over() is None


def test_the_reaper_that_goes_on_kills_what_it_had_and_what_comes() -> None:
    sleeping = [subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(3)]
    before = OrphanReaper()
    for child in sleeping[:2]:
        before.hold(child.pid)
    record = before.hand_over()
    after = OrphanReaper(running=replace(record, stdin=os.dup(record.stdin)))
    assert before._shell.stdin is not None
    before._shell.stdin.close()
    after.drop(sleeping[0].pid)
    after.hold(sleeping[2].pid)
    after.close()
    before._shell.returncode = 0
    assert [child.wait() for child in sleeping[1:]] == [-signal.SIGKILL] * 2
    assert sleeping[0].poll() is None
    sleeping[0].kill()
    sleeping[0].wait()


def test_ports_stay_reserved() -> None:
    before = Ports()
    kept, released = before.reserve("kept"), before.reserve("released")
    before.release([released])
    after = Ports(reserved=before.hand_over())
    for address in (kept, released):
        with pytest.raises(Exception, match=f"port {address.port} is already given to"):
            after.reserve("another", address.port)
    held, claims = before._held, before._claims
    assert {each.fileno() for each in after._held.values()} == {held[kept.port].fileno()}
    for each in (*held.values(), *claims.values()):
        each.detach()
    after.close()


class Supervised:
    """A supervisor of a program before, and one that goes on. Processes sleep."""

    def __init__(self, starter: Starter, *, restarts: bool = True) -> None:
        self.told = Recorder()
        self.starter = starter
        self.launched: list[Process] = []

        async def probe() -> str:
            return ""

        async def retire(process: Process, _: float) -> ExitStatus:
            return await process.stop(5.0)

        readiness = ReadinessProbe(initial_delay=30.0)
        self._spec = ProcessSpec(
            SUBJECT, probe, readiness, 30.0, self._launch, lambda: 5.0, retire, restarts
        )

    def _launch(self) -> Process:
        self.launched.append(self.starter.start("import time; time.sleep(60)"))
        return self.launched[-1]

    def resume(self, record: SupervisorRecord, process: Process | None = None) -> Supervisor:
        backoff = Backoff(first=0.001, most=0.002, loop_after=3)
        supervisor = Supervisor(self._spec, self.told, lambda: 0.0, backoff)
        supervisor.resume(record, process)
        return supervisor


async def test_what_was_ready_is_and_counts_go_on(starter: Starter) -> None:
    supervised = Supervised(starter)
    process = starter.start("import time; time.sleep(60)")
    supervisor = supervised.resume(SupervisorRecord(None, True, 4, 1, 0), process)
    assert (supervisor.ready, supervisor.restarts, supervisor.pid) == (True, 4, process.pid)
    await supervisor.wait_ready()
    assert supervised.told.events == []
    record = supervisor.hand_over()
    assert record.process is not None
    assert record.process.pid == process.pid
    assert (record.ready, record.restarts, record.ends) == (True, 4, 1)
    process.signal(signal.SIGKILL)
    await supervised.told.wait_for(events.Restarting)
    await supervised.told.wait_for(events.Started)
    assert supervisor.restarts == 5
    await supervisor.stop()


async def test_what_is_gone_is_started_again_in_its_crash_loop(starter: Starter) -> None:
    supervised = Supervised(starter)
    supervisor = supervised.resume(SupervisorRecord(None, True, 7, 2, 3))
    assert not supervisor.ready
    loop = await supervised.told.wait_for(events.CrashLooping)
    assert loop.status == ExitStatus(3)
    await supervised.told.wait_for(events.Started)
    assert supervisor.restarts == 8
    await supervisor.stop()


async def test_what_was_given_up_stays_so(starter: Starter) -> None:
    supervised = Supervised(starter, restarts=False)
    supervisor = supervised.resume(SupervisorRecord(None, False, 0, 0, 9))
    given_up = await supervised.told.wait_for(events.GaveUp)
    assert given_up.status == ExitStatus(9)
    assert supervised.launched == []
    record = supervisor.hand_over()
    assert (record.process, record.ended_with) == (None, 9)
    await supervisor.stop()
