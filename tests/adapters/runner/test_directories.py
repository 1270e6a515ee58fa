from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path
from random import Random

import pytest

from laneway.adapters.runner.base_ids import choose_base_id
from laneway.adapters.runner.binary import EnvoyBinary
from laneway.adapters.runner.directories import open_run_directory, socket_path
from laneway.adapters.runner.errors import RunDirectoryUnusable
from laneway.adapters.runner.runner import Runner


def test_a_temporary_one_is_private_and_removed(tmp_path: Path) -> None:
    directory = open_run_directory(None, {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert directory.path.parent == tmp_path
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    directory.close()
    assert not directory.path.exists()


def test_places_that_are_too_long_or_absent_are_passed_over(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    places = {"XDG_RUNTIME_DIR": str(long), "TMPDIR": str(tmp_path / "absent")}
    directory = open_run_directory(None, places)
    assert directory.path.parent == Path("/tmp")
    directory.close()


def test_one_that_was_asked_for_is_made_and_kept(tmp_path: Path) -> None:
    asked = tmp_path / "a" / "run"
    open_run_directory(asked, {}).close()
    assert asked.is_dir()
    assert len(str(socket_path(asked, 99999))) == len(str(asked)) + len("/admin-99999.sock")


def test_two_may_not_share_one(tmp_path: Path) -> None:
    first = open_run_directory(tmp_path, {})
    holder = f"in use by another laneway \\(process {os.getpid()}, .* in .*, since 20"
    with pytest.raises(RunDirectoryUnusable, match=holder):
        open_run_directory(tmp_path, {})
    first.close()
    open_run_directory(tmp_path, {}).close()


def test_who_can_only_read_it_cannot_lock_it(tmp_path: Path) -> None:
    reader = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(reader, fcntl.LOCK_EX)
    open_run_directory(tmp_path, {}).close()
    os.close(reader)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o707])
def test_one_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    run = tmp_path / "run"
    run.mkdir()
    run.chmod(mode)
    with pytest.raises(RunDirectoryUnusable, match=f"{run}: can be written by other users"):
        open_run_directory(run, {})
    assert list(run.iterdir()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "proxies",
        "proxies/a",
        "proxies/a/access.log",
        "logs",
        "logs/a.proxy.log",
        "lock",
        "xds.sock",
    ],
)
@pytest.mark.parametrize("hard", [False, True], ids=["symbolic", "hard"])
def test_a_link_that_was_planted_is_refused(tmp_path: Path, planted: str, hard: bool) -> None:
    run, precious = tmp_path / "run", tmp_path / "precious"
    precious.write_text("precious")
    link = run / planted
    link.parent.mkdir(mode=0o700, parents=True)
    if hard:
        link.hardlink_to(precious)
    else:
        link.symlink_to(precious)
    with pytest.raises(RunDirectoryUnusable, match=f"{link}: "):
        open_run_directory(run, {})
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("name", ["lock", "proxies/a/base-id", "logs/a.proxy.log"])
def test_a_named_pipe_is_refused(tmp_path: Path, name: str) -> None:
    """laneway would wait for its other end."""
    pipe = tmp_path / name
    pipe.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.mkfifo(pipe, 0o600)
    with pytest.raises(RunDirectoryUnusable, match=f"{pipe}: is a named pipe"):
        open_run_directory(tmp_path, {})


def test_a_folder_inside_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "proxies" / "a"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(RunDirectoryUnusable, match=f"{folder}: can be written by other users"):
        open_run_directory(tmp_path, {})


def test_what_is_not_of_laneways_making_is_left_alone(tmp_path: Path) -> None:
    """The run directory may be a project's folder."""
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "docker.sock"))
        open_run_directory(tmp_path, {}).close()
    assert (tmp_path / "docker.sock").is_socket()


async def test_logs_are_not_put_where_others_can_write(envoy: EnvoyBinary, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    logs.chmod(0o777)
    with pytest.raises(RunDirectoryUnusable, match=f"log directory .* {logs}: can be written"):
        Runner(envoy, lambda event: None, log_dir=logs)


async def test_the_folder_of_logs_is_there_before_anything_is_logged(
    envoy: EnvoyBinary, tmp_path: Path
) -> None:
    async with Runner(envoy, lambda event: None, run_dir=tmp_path / "run") as runner:
        assert [*runner.log_dir.iterdir()] == []


def test_a_temporary_one_is_not_made_where_others_could_replace_it(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    directory = open_run_directory(None, {"TMPDIR": str(shared)})
    assert directory.path.parent == Path("/tmp")
    directory.close()


def test_the_remains_of_a_killed_laneway_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "proxies" / "a"
    choose_base_id(folder, Random())
    (folder / "access.log").write_text("{}\n")
    memory = Path(f"/dev/shm/envoy_shared_memory_{(folder / 'base-id').read_text().strip()}0")
    memory.write_text("")
    for path in (tmp_path / "admin-1.sock", folder / "hot-restart_parent_0"):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
    open_run_directory(tmp_path, {}).close()
    assert not memory.exists()
    assert {path.name for path in tmp_path.rglob("*")} == {"lock", "proxies", "a", "access.log"}


def test_a_base_id_cannot_name_another_file(tmp_path: Path, astray: Path) -> None:
    open_run_directory(tmp_path, {}).close()
    assert astray.read_text() == "precious"


def test_a_long_path_is_refused_with_the_limit(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryUnusable, match="at most 90 bytes"):
        open_run_directory(tmp_path / ("y" * 91), {})


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(RunDirectoryUnusable, match="f: Not a directory"):
        open_run_directory(tmp_path / "f" / "run", {})
