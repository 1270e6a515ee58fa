"""What happens when laneway itself is killed or interrupted: nothing of it stays."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.adapters.runner.event_recorders import is_running, until
from tests.adapters.runner.test_shim import parent as parent_of

from laneway.adapters.runner.directories import open_run_directory
from laneway.adapters.runner.errors import RunDirectoryUnusable
from laneway.adapters.runner.orphan_reaper import OrphanReaper

# Starts an Envoy and a workload that has a child and a daemon of its own, says where they are, and
# hangs.
PARENT = '''
import asyncio, json, signal, sys
from pathlib import Path
from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.proxies import Proxy
from laneway.adapters.runner.runner import Runner
from tests.adapters.runner.event_recorders import empty_bootstrap, placement, workload

APP = """
import os, subprocess
child = subprocess.Popen(['sleep', '600'])
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    print(child.pid, os.getpid(), flush=True)
    os.execvp('sleep', ['sleep', '600'])
child.wait()
"""

async def main():
    run_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    async with Runner(find_envoy(), lambda event: None, run_dir=run_dir) as runner:
        proxy = await runner.start_proxy(Proxy("a", empty_bootstrap))
        app = workload([sys.executable, "-c", APP])
        started = await runner.start_workload(app, placement(app, Ports().reserve("app")))
        await proxy.wait_ready()
        log = runner.log_path(started.subject)
        while not log.exists() or not log.read_text().endswith("\\n"):
            await asyncio.sleep(0.01)
        pids = [proxy.pid, started.pid, *map(int, log.read_text().split())]
        print(json.dumps([pids, str(log.parent.parent)]), flush=True)
        await asyncio.sleep(600)

# What runs the tests may have been started in the background, which ignores interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
'''


def start_parent(*arguments: str) -> tuple[subprocess.Popen[str], list[int], Path]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    pids, run_dir = json.loads(parent.stdout.readline())
    parent.stdout.close()
    return parent, pids, Path(run_dir)


def reaper_of(run_dir: Path) -> int:
    return next(
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if is_running(int(entry.name))
        and f"laneway-reaper\0{run_dir}\0" in (entry / "cmdline").read_text()
    )


def shared_memory(run_dir: Path) -> Path:
    base_id = (run_dir / "proxies" / "a" / "base-id").read_text().strip()
    return Path(f"/dev/shm/envoy_shared_memory_{base_id}0")


@pytest.mark.envoy
def test_no_orphan_after_the_parent_was_killed() -> None:
    parent, pids, run_dir = start_parent()
    memory = shared_memory(run_dir)
    assert all(map(is_running, pids))
    assert len(set(pids)) == 4
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, pids)))
    until(lambda: not run_dir.exists())
    assert not memory.exists()


@pytest.mark.envoy
def test_shared_memory_goes_though_the_run_directory_stays(tmp_path: Path) -> None:
    parent, pids, run_dir = start_parent(str(tmp_path))
    memory = shared_memory(run_dir)
    assert memory.exists()
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, pids)))
    until(lambda: not memory.exists())
    assert (run_dir / "logs").exists()


@pytest.mark.envoy
def test_the_next_start_removes_what_nobody_was_left_to_remove(tmp_path: Path) -> None:
    parent, pids, run_dir = start_parent(str(tmp_path))
    memory = shared_memory(run_dir)
    os.kill(reaper_of(run_dir), signal.SIGKILL)
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, pids)))
    assert memory.exists()
    open_run_directory(run_dir, {}).close()
    assert not memory.exists()


@pytest.mark.envoy
def test_an_interrupt_stops_everything_in_order() -> None:
    parent, pids, run_dir = start_parent()
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
    assert parent.wait(20) == -signal.SIGINT
    assert not any(map(is_running, pids))
    assert not run_dir.exists()


@pytest.mark.envoy
def test_no_orphan_though_the_reaper_was_killed_first() -> None:
    parent, pids, run_dir = start_parent()
    os.kill(reaper_of(run_dir), signal.SIGKILL)
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, pids)))
    shutil.rmtree(run_dir)


@pytest.mark.envoy
def test_no_orphan_though_a_shim_was_stopped_first() -> None:
    parent, pids, run_dir = start_parent()
    _, workload, _, _ = pids
    shim = parent_of(workload)
    os.kill(shim, signal.SIGSTOP)
    try:
        until(lambda: "T (stopped)" in Path(f"/proc/{shim}/status").read_text())
        parent.kill()
        parent.wait()
        until(lambda: not any(map(is_running, pids)))
        until(lambda: not run_dir.exists())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(shim, signal.SIGCONT)


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"], start_new_session=True)


def test_only_what_it_holds_is_killed() -> None:
    held, dropped = sleeper(), sleeper()
    reaper = OrphanReaper()
    reaper.hold(dropped.pid)
    reaper.hold(held.pid)
    reaper.drop(dropped.pid)
    reaper.close()
    assert held.wait(20) == -signal.SIGKILL
    assert dropped.poll() is None
    dropped.kill()
    dropped.wait()


def test_a_killed_reaper_is_replaced() -> None:
    first, second = sleeper(), sleeper()
    reaper = OrphanReaper()
    reaper.hold(first.pid)
    shell = reaper._shell
    shell.send_signal(signal.SIGKILL)
    shell.wait()
    reaper.hold(second.pid)
    reaper.close()
    assert first.wait(20) == second.wait(20) == -signal.SIGKILL


def test_a_line_cut_short_by_death_does_not_count() -> None:
    held, other = sleeper(), sleeper()
    reaper = OrphanReaper()
    reaper.hold(held.pid)
    pipe = reaper._shell.stdin
    assert pipe is not None
    pipe.write(str(other.pid).encode())
    reaper.close()
    assert held.wait(20) == -signal.SIGKILL
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_base_id_cannot_name_another_file(tmp_path: Path, astray: Path) -> None:
    OrphanReaper(tmp_path).close()
    assert astray.read_text() == "precious"


def test_a_run_directory_is_not_free_before_all_is_gone(tmp_path: Path) -> None:
    """Or what laneway's successor writes there would be removed."""
    directory = open_run_directory(tmp_path, {})
    reaper = OrphanReaper(tmp_path, lock=directory.lock)
    directory.close()  # as the death of laneway does
    with pytest.raises(RunDirectoryUnusable, match="in use by another laneway"):
        open_run_directory(tmp_path, {})
    reaper.close()
    open_run_directory(tmp_path, {}).close()


def test_the_folder_goes_with_the_reaper(tmp_path: Path) -> None:
    folder = tmp_path / "it's $HOME"
    (folder / "proxies" / "a").mkdir(parents=True)
    OrphanReaper(folder, remove=True).close()
    assert not folder.exists()
    assert tmp_path.exists()
