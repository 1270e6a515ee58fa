"""Fingerprints of real files: what counts as a change, and who is writing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from laneway.adapters.files.fingerprints import Writers, fingerprints, writers, written
from laneway.adapters.files.reading import read
from laneway.adapters.files.watching import Settled, Unwatchable, require_watchable, watch

pytestmark = pytest.mark.slow

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mesh"
    folder.mkdir()
    (folder / "a.yaml").write_text(SERVICE % "a")
    return folder


def test_only_a_file_that_is_open_for_writing_is_being_written(folder: Path) -> None:
    path = folder / "a.yaml"
    assert writers(str(path)) is Writers.NONE
    with path.open("a"):
        assert writers(str(path)) is Writers.SOME
        assert written([str(path)]) == {str(path): Writers.SOME}
    with path.open():
        assert writers(str(path)) is Writers.NONE
    assert written([str(path), str(folder / "gone.yaml")]) == {}


def test_another_process_that_writes_is_seen_too(folder: Path) -> None:
    path = folder / "a.yaml"
    command = [sys.executable, "-c", "import sys; f = open(sys.argv[1], 'w'); print(); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, str(path)], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert writers(str(path)) is Writers.SOME
        process.communicate(b"\n")
    assert writers(str(path)) is Writers.NONE


def in_place(path: Path) -> None:
    path.write_text(SERVICE % "b")


def by_rename(path: Path) -> None:
    """As VS Code, ``sed -i`` and ``rsync`` do."""
    new = path.with_name(".a.yaml.tmp")
    new.write_text(SERVICE % "b")
    new.rename(path)


def with_backup(path: Path) -> None:
    """As vim does."""
    path.with_name("4913").touch()
    path.with_name("4913").unlink()
    path.rename(path.with_name("a.yaml~"))
    path.write_text(SERVICE % "b")


def in_the_same_second_and_size(path: Path) -> None:
    status = path.stat()
    path.write_text(SERVICE % "b")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("save", [in_place, by_rename, with_backup, in_the_same_second_and_size])
def test_every_way_to_save_is_a_change(folder: Path, save: Callable[[Path], None]) -> None:
    before = fingerprints([str(folder)])
    save(folder / "a.yaml")
    after = fingerprints([str(folder)])
    assert before != after
    assert list(after) == [str(folder / "a.yaml")]


def test_what_editors_leave_beside_a_file_is_no_change(folder: Path) -> None:
    before = fingerprints([str(folder)])
    for name in ("4913", "a.yaml~", ".a.yaml.swp", "#a.yaml#", "a.yaml.orig"):
        (folder / name).write_text(SERVICE % "b")
    (folder / ".#a.yaml").symlink_to("user@host.1234:1")
    assert fingerprints([str(folder)]) == before


def config_map(folder: Path, revision: str, service: str) -> None:
    """Kubernetes' AtomicWriter: files are links through ``..data``, which is swapped."""
    data = folder / f"..{revision}"
    data.mkdir()
    (data / "a.yaml").write_text(SERVICE % service)
    new = folder / "..data_tmp"
    new.symlink_to(data.name)
    new.rename(folder / "..data")


async def test_the_swap_of_a_config_map_is_noticed(tmp_path: Path) -> None:
    config_map(tmp_path, "1", "a")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    assert await names_after(tmp_path, lambda: config_map(tmp_path, "2", "b")) == ["b"]


async def test_a_link_is_followed_to_its_target(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link.yaml").symlink_to(folder / "a.yaml")
    saved = await names_after(tmp_path / "link.yaml", lambda: in_place(folder / "a.yaml"))
    assert saved == ["b"]


async def test_a_folder_that_was_renamed_and_came_back_is_followed(folder: Path) -> None:
    def save() -> None:
        folder.rename(folder.with_name("away"))
        folder.with_name("away").rename(folder)
        in_place(folder / "a.yaml")

    assert await names_after(folder, save) == ["b"]


async def names_after(path: Path, save: Callable[[], None]) -> list[str]:
    """The services of the first state that is taken after ``save``."""
    paths = [str(path)]
    async with asyncio.timeout(60), aclosing(watch(paths, read(paths).contents)) as events:
        assert isinstance(await anext(events), Settled)
        save()
        event = await anext(events)
        assert isinstance(event, Settled)
        return [service.name.name for service in event.reading.mesh.services]


def test_what_can_be_read_only_once_cannot_be_watched(folder: Path) -> None:
    require_watchable([str(folder), str(folder / "a.yaml"), str(folder / "gone.yaml")])
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    for path in ("-", str(pipe)):
        with pytest.raises(Unwatchable, match="cannot be watched"):
            require_watchable([str(folder), path])
