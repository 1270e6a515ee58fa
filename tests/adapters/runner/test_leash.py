"""What happens when laneway itself is killed or interrupted: nothing of it stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.adapters.runner.recorders import is_running, until

from laneway.adapters.runner.leash import Leash

# Starts an Envoy and a workload that has a child of its own, says where they are, and hangs.
PARENT = """
import asyncio, json, signal, sys
from laneway.adapters.runner.binary import find_envoy
from laneway.adapters.runner.ports import Ports
from laneway.adapters.runner.proxies import Proxy
from laneway.adapters.runner.runner import Runner
from tests.adapters.runner.recorders import empty_bootstrap, placement, workload

APP = "import subprocess; c = subprocess.Popen(['sleep', '60']); print(c.pid, flush=True); c.wait()"

async def main():
    async with Runner(find_envoy(), lambda event: None) as runner:
        proxy = await runner.start_proxy(Proxy("a", empty_bootstrap))
        app = workload([sys.executable, "-c", APP])
        started = await runner.start_workload(app, placement(app, Ports().reserve("app")))
        await proxy.wait_ready()
        log = runner.log_path(started.subject)
        while not log.exists() or not log.read_text().endswith("\\n"):
            await asyncio.sleep(0.01)
        pids = [proxy.pid, started.pid, int(log.read_text())]
        print(json.dumps([pids, str(log.parent.parent)]), flush=True)
        await asyncio.sleep(60)

# What runs the tests may have been started in the background, which ignores interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
"""


def start_parent() -> tuple[subprocess.Popen[str], list[int], Path]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
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


@pytest.mark.envoy
def test_no_orphan_after_the_parent_was_killed() -> None:
    parent, pids, run_dir = start_parent()
    base_id = (run_dir / "proxies" / "a" / "base-id").read_text().strip()
    assert all(map(is_running, pids))
    assert len(set(pids)) == 3
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, pids)))
    until(lambda: not run_dir.exists())
    assert not Path(f"/dev/shm/envoy_shared_memory_{base_id}0").exists()


@pytest.mark.envoy
def test_an_interrupt_stops_everything_in_order() -> None:
    parent, pids, run_dir = start_parent()
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
    assert parent.wait(20) == -signal.SIGINT
    assert not any(map(is_running, pids))
    assert not run_dir.exists()


@pytest.mark.envoy
def test_no_orphan_child_though_the_leash_was_killed_first() -> None:
    parent, pids, run_dir = start_parent()
    leash = next(
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if is_running(int(entry.name))
        and f"laneway-leash\0{run_dir}\0" in (entry / "cmdline").read_text()
    )
    os.kill(leash, signal.SIGKILL)
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_running, pids[:2])))
    os.kill(pids[2], signal.SIGKILL)  # the grandchild: the documented limit
    shutil.rmtree(run_dir)


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], start_new_session=True)


def test_only_what_it_holds_is_killed() -> None:
    held, dropped = sleeper(), sleeper()
    leash = Leash()
    leash.hold(dropped.pid)
    leash.hold(held.pid)
    leash.drop(dropped.pid)
    leash.close()
    assert held.wait(20) == -signal.SIGKILL
    assert dropped.poll() is None
    dropped.kill()
    dropped.wait()


def test_a_killed_leash_is_replaced() -> None:
    first, second = sleeper(), sleeper()
    leash = Leash()
    leash.hold(first.pid)
    shell = leash._shell
    shell.kill()
    shell.wait()
    leash.hold(second.pid)
    leash.close()
    assert first.wait(20) == second.wait(20) == -signal.SIGKILL


def test_a_line_cut_short_by_death_does_not_count() -> None:
    held, other = sleeper(), sleeper()
    leash = Leash()
    leash.hold(held.pid)
    pipe = leash._shell.stdin
    assert pipe is not None
    pipe.write(str(other.pid).encode())
    leash.close()
    assert held.wait(20) == -signal.SIGKILL
    assert other.poll() is None
    other.kill()
    other.wait()


def test_the_folder_goes_with_the_leash(tmp_path: Path) -> None:
    folder = tmp_path / "it's $HOME"
    (folder / "proxies" / "a").mkdir(parents=True)
    Leash(folder).close()
    assert not folder.exists()
    assert tmp_path.exists()
