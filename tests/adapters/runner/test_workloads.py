from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.adapters.runner.event_recorders import Recorder, is_running, placement, workload

from laneway.adapters.runner.errors import NotReady, Unstartable
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.runner import Runner
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.model.placements import Address
from laneway.model.workloads import ReadinessProbe, RestartPolicy, WorkloadPort

pytestmark = pytest.mark.slow

APP = events.WorkloadInstance(ObjectName("default", "app"))
NEVER = RestartPolicy.NEVER


@pytest.fixture
def address(ports: Ports) -> Address:
    address = ports.reserve("app")
    ports.release([address])
    return address


async def test_a_workload_starts_becomes_ready_and_stops(
    runner: Runner, told: Recorder, address: Address
) -> None:
    app = workload(readiness=ReadinessProbe(path="/healthz"))
    started = await runner.start_workload(app, placement(app, address))
    assert started.pid is not None
    await started.wait_ready()
    was_ready = started.ready
    await runner.stop_workload(app.name)
    assert (was_ready, started.ready) == (True, False)
    assert [type(event) for event in told.events] == [
        events.Started,
        events.Ready,
        events.Unready,
        events.Stopped,
    ]
    await runner.stop_workload(app.name)


async def test_it_starts_again_under_the_same_name(runner: Runner, address: Address) -> None:
    app = workload()
    for _ in range(2):
        started = await runner.start_workload(app, placement(app, address))
        await started.wait_ready()
        with pytest.raises(ValueError, match="workload default/app is running already"):
            await runner.start_workload(app, placement(app, address))
        await runner.stop_workload(app.name)


async def test_a_killed_workload_is_unready_at_once_and_comes_back(
    runner: Runner, told: Recorder, address: Address
) -> None:
    # Asked once an hour: readiness can only be lost through the end of the process.
    app = workload(readiness=ReadinessProbe(period=3600.0, failure_threshold=1))
    started = await runner.start_workload(app, placement(app, address))
    first = started.pid
    assert first is not None
    await started.wait_ready()
    os.kill(first, signal.SIGKILL)
    assert (await told.wait_for(events.Unready)).reason == "killed by SIGKILL"
    await told.wait_for(events.Ready, 2)
    assert started.pid != first
    assert told.of(events.Restarting)[0].attempt == 1


async def test_an_address_is_only_asked(runner: Runner, told: Recorder, ports: Ports) -> None:
    other = ports.reserve("outside")
    app = workload(
        (), address=str(other), readiness=ReadinessProbe(failure_threshold=1, period=0.01)
    )
    watched = await runner.start_workload(app, placement(app, other))
    await watched.wait_ready()
    assert watched.pid is None
    ports.release([other])
    await told.wait_for(events.Unready)
    await runner.stop_workload(app.name)
    assert told.of(events.Started) == []
    assert told.of(events.Stopped)[0].status is None


async def test_its_environment_and_command_are_expanded(
    runner: Runner, told: Recorder, address: Address, tmp_path: Path
) -> None:
    code = "import os, sys; print(sys.argv[1:], os.environ['A'], os.getcwd())"
    app = workload(
        [sys.executable, "-c", code, "--port=$(PORT)", "$$(PORT)"],
        env={"A": "at-$(PORT_HTTP)"},
        working_dir=str(tmp_path),
        restart=NEVER,
    )
    await runner.start_workload(app, placement(app, address))
    gave_up = await told.wait_for(events.GaveUp)
    port = address.port
    assert gave_up.output == (f"['--port={port}', '$(PORT)'] at-{port} {tmp_path}",)


async def test_a_console_script_is_found_without_its_environment_in_path(
    runner: Runner, told: Recorder, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    app = workload(["ruff", "--version"], restart=NEVER)
    await runner.start_workload(app, placement(app, address))
    assert (await told.wait_for(events.GaveUp)).output[0].startswith("ruff ")


async def test_a_relative_command_is_relative_to_its_working_directory(
    runner: Runner, told: Recorder, address: Address, tmp_path: Path
) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\necho here\n")
    script.chmod(0o755)
    app = workload(["./run.sh"], working_dir=str(tmp_path), restart=NEVER)
    await runner.start_workload(app, placement(app, address))
    assert (await told.wait_for(events.GaveUp)).output == ("here",)


async def test_an_absent_command_names_workload_command_and_path(
    runner: Runner, told: Recorder, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    app = workload(["mocka-server"])
    with pytest.raises(Unstartable) as refused:
        await runner.start_workload(app, placement(app, address))
    assert str(refused.value).startswith(
        "workload default/app: command 'mocka-server' is not in PATH (/usr/bin:"
    )
    assert told.events == []


async def test_a_file_that_cannot_run_is_refused(
    runner: Runner, address: Address, tmp_path: Path
) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\n")
    for command, why in [
        (str(script), "is not an executable file; try: chmod"),
        (f"{script}.py", "does not exist"),
        (str(tmp_path), "is not an executable file"),
    ]:
        app = workload([command])
        with pytest.raises(Unstartable, match=f"command {command} {why}"):
            await runner.start_workload(app, placement(app, address))


@pytest.mark.parametrize(("name", "why"), [("absent", "does not exist"), ("f", "is not a folder")])
async def test_a_working_directory_that_is_none_is_refused(
    runner: Runner, address: Address, tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "f").touch()
    app = workload(working_dir=str(tmp_path / name))
    with pytest.raises(Unstartable, match=f"working directory {tmp_path / name} {why}"):
        await runner.start_workload(app, placement(app, address))


async def test_a_readiness_port_that_is_not_declared_is_refused(
    runner: Runner, address: Address
) -> None:
    app = workload(readiness=ReadinessProbe(port="grpc"))
    with pytest.raises(Unstartable, match="readiness needs port 'grpc', which it does not declare"):
        await runner.start_workload(app, placement(app, address))
    bare = workload(ports=())
    with pytest.raises(Unstartable, match="readiness needs a port to ask"):
        await runner.start_workload(bare, placement(bare, address))


async def test_the_readiness_port_is_asked(runner: Runner, ports: Ports, address: Address) -> None:
    idle = ports.reserve("idle")
    ports.release([idle])
    two = (WorkloadPort(1, "idle"), WorkloadPort(2, "live"))
    app = workload(
        [sys.executable, "-m", "http.server", "$(PORT_LIVE)", "--bind", "127.0.0.1"],
        ports=two,
        readiness=ReadinessProbe(port="live", path="/"),
    )
    placed = placement(app, idle)
    placed = type(placed)(app.name, {}, {1: idle, 2: address}, placed.outbound)
    await (await runner.start_workload(app, placed)).wait_ready()


async def test_one_that_never_becomes_ready_is_told_with_the_reason_and_its_output(
    runner: Runner, told: Recorder, address: Address
) -> None:
    app = workload(["sh", "-c", "echo loading; exec sleep 60"], start_timeout=2.0)
    started = await runner.start_workload(app, placement(app, address))
    with pytest.raises(NotReady) as refused:
        await started.wait_ready()
    assert str(refused.value) == (
        "workload default/app did not become ready in 2 s: "
        f"connection to {address}: connection refused\nlast output:\n  loading"
    )
    assert started.pid is not None
    assert is_running(started.pid)
    assert len(told.of(events.Late)) == 1


async def test_a_crash_loop_is_told_with_the_last_output_and_goes_on(
    runner: Runner, told: Recorder, address: Address
) -> None:
    app = workload([sys.executable, "-c", "raise SystemExit('no database')"])
    started = await runner.start_workload(app, placement(app, address))
    with pytest.raises(NotReady, match="ended 3 times in a row, last: exited with 1") as refused:
        await started.wait_ready()
    assert "\n  no database" in str(refused.value)
    await told.wait_for(events.Exited, 5)
    assert len(told.of(events.CrashLooping)) == 1


async def test_a_workload_that_shall_not_restart_is_given_up(
    runner: Runner, told: Recorder, address: Address
) -> None:
    app = workload([sys.executable, "-c", "raise SystemExit(4)"], restart=NEVER)
    started = await runner.start_workload(app, placement(app, address))
    with pytest.raises(NotReady, match=r"exited with 4 and is not started again"):
        await started.wait_ready()
    assert told.of(events.Restarting) == []
    await runner.stop_workload(app.name)


async def test_a_command_that_vanishes_is_one_more_failure(
    runner: Runner, told: Recorder, address: Address, tmp_path: Path
) -> None:
    script = tmp_path / "once.sh"
    script.write_text('#!/bin/sh\nrm "$0"\n')
    script.chmod(0o755)
    app = workload([str(script)])
    await runner.start_workload(app, placement(app, address))
    failed = await told.wait_for(events.RestartFailed, 3)
    assert failed.reason == f"workload default/app: command {script} does not exist"
    script.write_text("#!/bin/sh\nsleep 60\n")
    script.chmod(0o755)
    await told.wait_for(events.Started, 2)


async def test_a_log_that_cannot_be_written_neither_blocks_nor_ends_a_workload(
    runner: Runner, told: Recorder, address: Address
) -> None:
    log = runner.log_path(APP)
    log.mkdir()
    code = "print('x' * 1_000_000); print('alive'); raise SystemExit(0)"
    app = workload([sys.executable, "-c", code], restart=NEVER)
    await runner.start_workload(app, placement(app, address))
    gave_up = await told.wait_for(events.GaveUp)
    assert gave_up.status.code == 0
    assert gave_up.output[-1] == "alive"
    lost = await told.wait_for(events.LogLost)
    assert lost.reason == f"cannot write {log}: Is a directory"


async def test_leaving_the_block_stops_everything(
    runner: Runner, told: Recorder, ports: Ports
) -> None:
    apps = [workload(name=f"app{number}") for number in range(3)]
    pids = []
    for app in apps:
        address = ports.reserve(str(app.name))
        ports.release([address])
        started = await runner.start_workload(app, placement(app, address))
        pids.append(started.pid)
    await runner.aclose()
    assert len(told.of(events.Stopped)) == 3
    assert not any(is_running(pid) for pid in pids if pid)
    await runner.aclose()


async def test_a_listener_that_fails_does_not_end_supervision(
    runner: Runner, told: Recorder, address: Address
) -> None:
    heard: list[object] = []
    loop_errors: list[str] = []

    def fail(event: events.Event) -> None:
        heard.append(event)
        told(event)
        raise BrokenPipeError

    runner._on_event = fail
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: loop_errors.append(context["message"])
    )
    app = workload()
    started = await runner.start_workload(app, placement(app, address))
    await started.wait_ready()
    assert loop_errors[-1] == "listener failed at: is ready"
