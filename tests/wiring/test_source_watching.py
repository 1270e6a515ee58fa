"""When files that a workload watches have changed, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from laneway.adapters.runner.errors import NotReady
from laneway.control import events
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload, WorkloadPort
from laneway.wiring.source_watching import QUIET, SourceFollower, SourceWatch, paths_of

CART, SHOP = ObjectName("default", "cart"), ObjectName("default", "shop")
WATCHED = {CART: ("/src",), SHOP: ("/src",)}
LATER = QUIET + 0.01
OLD, NEW, NEWER = {"/src/a": (1,)}, {"/src/a": (2,)}, {"/src/a": (3,), "/src/b": (1,)}


def test_files_count_as_changed_once_they_have_come_to_rest() -> None:
    watch = SourceWatch()
    only = {CART: ("/src",)}
    assert watch.step(only, {CART: OLD}, {}, 0) == {}
    assert watch.step(only, {CART: NEW}, {}, 10) == {}
    assert watch.step(only, {CART: NEWER}, {}, 10 + LATER) == {}  # still being written
    assert watch.step(only, {CART: NEWER}, {}, 10 + LATER + QUIET / 2) == {}
    changed = {CART: ("/src/a", "/src/b")}
    assert watch.step(only, {CART: NEWER}, {}, 10 + 2 * LATER) == changed
    assert watch.step(only, {CART: NEWER}, {}, 20) == {}


def test_a_save_that_is_taken_back_at_once_is_none() -> None:
    watch = SourceWatch()
    only = {CART: ("/src",)}
    for now, found in enumerate([OLD, {}, OLD, OLD]):
        assert watch.step(only, {CART: found}, {}, now) == {}


def test_every_workload_that_watches_a_file_is_told() -> None:
    watch = SourceWatch()
    for now, found in enumerate([OLD, NEW]):
        assert watch.step(WATCHED, {CART: found, SHOP: found}, {}, now) == {}
    assert set(watch.step(WATCHED, {CART: NEW, SHOP: NEW}, {}, 3)) == {CART, SHOP}


def test_a_workload_that_is_new_or_was_stopped_meanwhile_runs_what_is_there() -> None:
    watch = SourceWatch()
    watch.step({CART: ("/src",)}, {CART: OLD}, {}, 0)
    watch.step({}, {}, {}, 1)
    assert watch.step({CART: ("/src",)}, {CART: NEW}, {}, 2) == {}
    assert watch.step({CART: ("/src",)}, {CART: NEW}, {}, 3) == {}
    assert watch.step({CART: ("/other",)}, {CART: OLD}, {}, 4) == {}
    assert watch.step({CART: ("/other",)}, {CART: OLD}, {}, 5) == {}


def test_what_was_saved_between_the_start_and_the_first_look_has_changed() -> None:
    """A file's last change is the last number of its fingerprint."""
    watch = SourceWatch()
    only, found = {CART: ("/src",)}, {CART: {"/src/a": (7, 100), "/src/b": (7, 300)}}
    assert watch.step(only, found, {CART: 200}, 0) == {}
    assert watch.step(only, found, {CART: 200}, LATER) == {CART: ("/src/b",)}


def workload(folder: Path, *watch: str, command: tuple[str, ...] = ("cart",)) -> Workload:
    ports = (WorkloadPort(80),)
    return Workload(CART, {}, ports, command=command, folder=str(folder), watch=watch)


def test_paths_start_from_the_folder_of_the_workloads_file(tmp_path: Path) -> None:
    found = paths_of(workload(tmp_path, "src", "/abs"))
    assert found == (str(tmp_path / "src"), "/abs")
    assert paths_of(workload(tmp_path, "src", command=())) == ()


async def follow(
    folder: Path,
    restart: Callable[[ObjectName], object],
    until: Callable[[list[events.Event]], bool],
    save: Callable[[int], None],
) -> list[events.Event]:
    """``save`` is called with a number that grows, every few looks at the files."""
    told: list[events.Event] = []
    looks = count()

    async def restarting(name: ObjectName) -> None:
        restart(name)

    async def pause(_: float) -> None:
        look = next(looks)
        if until(told) or look > 100:
            raise asyncio.CancelledError
        if look % 4 == 0:
            save(look)
        await asyncio.sleep(0)

    seconds = count()
    follower = SourceFollower(
        lambda: {CART: workload(folder, "src")},
        restarting,
        told.append,
        lambda: float(next(seconds)),
        pause,
    )
    with suppress(asyncio.CancelledError):
        await follower.run()
    return told


async def test_what_does_not_become_ready_is_told_and_tried_again_with_the_next_change(
    tmp_path: Path,
) -> None:
    (tmp_path / "src").mkdir()
    restarted = []

    def restart(name: ObjectName) -> None:
        restarted.append(name)
        if len(restarted) == 1:
            raise NotReady("it exited with 1")

    def save(number: int) -> None:
        (tmp_path / "src/a.py").write_text("x" * number)

    told = await follow(tmp_path, restart, lambda _: len(restarted) == 2, save)
    changed = events.SourcesChanged(events.WorkloadInstance(CART), (str(tmp_path / "src/a.py"),))
    failed = events.NotReplaced(events.WorkloadInstance(CART), "it exited with 1")
    assert told[:3] == [changed, failed, changed]


async def test_a_path_that_does_not_exist_is_told_once(tmp_path: Path) -> None:
    looks = []

    def until(told: list[events.Event]) -> bool:
        looks.append(told)
        return len(looks) > 5

    told = await follow(tmp_path, lambda name: None, until, lambda number: None)
    path = str(tmp_path / "src")
    assert told == [events.NothingToWatch(events.WorkloadInstance(CART), path)]


async def test_a_restart_for_older_files_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    begun, ended = [], []

    async def restarting(name: ObjectName) -> None:
        begun.append(name)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(name)

    looks, seconds = count(1), count()

    async def pause(_: float) -> None:
        look = next(looks)
        if len(begun) == 2 or look > 100:
            raise asyncio.CancelledError
        if look % 4 == 0:
            (tmp_path / "src/a.py").write_text("x" * look)
        await asyncio.sleep(0)

    follower = SourceFollower(
        lambda: {CART: workload(tmp_path, "src")},
        restarting,
        lambda event: None,
        lambda: float(next(seconds)),
        pause,
    )
    with suppress(asyncio.CancelledError):
        await follower.run()
    assert (begun, ended) == ([CART, CART], [CART, CART])  # the last with the follower itself


async def test_where_nothing_is_watched_files_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mesh that idles wakes this process as seldom as possible, and starts no thread."""

    async def to_thread(*_: object) -> None:
        pytest.fail("a thread looks at files")

    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise asyncio.CancelledError

    running = {CART: workload(tmp_path)}
    follower = SourceFollower(
        lambda: running, lambda name: pause(0), lambda event: None, lambda: 0.0, pause
    )
    with suppress(asyncio.CancelledError):
        await follower.run()
    assert pauses == [1.0, 1.0]
