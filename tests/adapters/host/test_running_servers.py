"""Which laneways run: found while they do, and no longer, however they ended."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from laneway.adapters.host.running_servers import RunningServer, registered, running_servers

SERVES = """
import sys, time
from pathlib import Path
from laneway.adapters.host.running_servers import RunningServer, registered
import os
server = RunningServer("serve", Path("/work"), Path("/data/api.sock"), os.getpid())
with registered(server, {"XDG_STATE_HOME": sys.argv[1]}):
    print("registered", flush=True)
    sys.stdin.read()
"""


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(folder), **more}


def server(process: int = 1) -> RunningServer:
    return RunningServer("up", Path("/shop"), Path("/run/api.sock"), process)


def test_one_is_found_while_it_runs(tmp_path: Path) -> None:
    found = environment(tmp_path)
    assert running_servers(found) == ()
    with registered(server(), found):
        assert running_servers(found) == (server(),)
        with registered(server(2), found):
            assert running_servers(found) == (server(), server(2))
    assert running_servers(found) == ()


def test_one_that_was_killed_is_ignored_and_its_entry_removed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVES, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "registered\n"
        (found,) = running_servers(environment(tmp_path))
        assert found.process == process.pid
        process.send_signal(signal.SIGKILL)
    assert list((tmp_path / "laneway/servers").iterdir())
    assert running_servers(environment(tmp_path)) == ()
    assert not list((tmp_path / "laneway/servers").iterdir())


def test_it_is_found_from_where_there_is_no_runtime_directory(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    here = environment(tmp_path, XDG_RUNTIME_DIR=str(runtime))
    with registered(server(), environment(tmp_path)):
        assert running_servers(here) == (server(),)
    with registered(server(), here):
        assert running_servers(here) == (server(),)


def test_entries_are_for_this_user_alone(tmp_path: Path) -> None:
    with registered(server(), environment(tmp_path)):
        folder = tmp_path / "laneway/servers"
        (entry,) = folder.iterdir()
        assert stat.S_IMODE(entry.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "laneway/servers"
    folder.mkdir(parents=True)
    os.chmod(folder, 0o777)
    with pytest.raises(PermissionError, match="can be written by other users"):
        running_servers(environment(tmp_path))
    with pytest.raises(PermissionError), registered(server(), environment(tmp_path)):
        pass


def test_an_entry_of_another_version_is_passed_over(tmp_path: Path) -> None:
    with registered(server(), environment(tmp_path)):
        (entry,) = (tmp_path / "laneway/servers").iterdir()
        entry.write_text('{"later": 1}')
        assert running_servers(environment(tmp_path)) == ()
        assert entry.exists()


def test_the_next_program_in_a_process_replaces_the_entry(tmp_path: Path) -> None:
    """Never is none found. ``dup`` stands for what ``execve`` leaves open."""
    found = environment(tmp_path)
    folder = tmp_path / "laneway/servers"
    with registered(server(1), found) as entry:
        (before,) = folder.iterdir()
        with registered(server(2), found, before=os.dup(entry)):
            (after,) = folder.iterdir()
            assert after != before
            assert running_servers(found) == (server(2),)
    assert running_servers(found) == ()
