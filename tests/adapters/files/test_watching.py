"""When files that change are taken: schedules of writes on a disk in memory, with a clock of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.adapters.files.debouncing import LONG_QUIET, PATIENCE, QUIET
from laneway.adapters.files.fingerprints import Fingerprint, Writers
from laneway.adapters.files.reading import Reading, read_texts
from laneway.adapters.files.sources import Text
from laneway.adapters.files.watching import Event, Invalid, Settled, Waiting, Watch
from laneway.model.codes import Code
from laneway.model.findings import Finding, Source
from laneway.model.meshes import Mesh

Texts = Mapping[str, str]
#: What happens to the disk, and when.
Schedule = Iterator[tuple[float, Callable[[], None]]]


def services(*names: str, port: int = 80) -> str:
    return "---\n".join(
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec:\n  ports:\n    - port: {port}\n    - {{name: more, port: {port + 1}}}\n"
        for name in names
    )


@dataclass
class Disk:
    """``reading_takes`` seconds pass between the reading of one file and of the next."""

    files: dict[str, str]
    schedule: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    reading_takes: float = 0.0
    leases: bool = True
    now: float = 0.0
    versions: dict[str, int] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def clock(self) -> float:
        return self.now

    def pass_time(self, until: float) -> None:
        self.schedule.sort(key=lambda item: item[0])
        while self.schedule and self.schedule[0][0] <= until:
            at, happens = self.schedule.pop(0)
            self.now = max(self.now, at)
            happens()
        self.now = max(self.now, until)

    def write(self, name: str, text: str) -> None:
        self.files[name] = text
        self.versions[name] = self.versions.get(name, 0) + 1

    def delete(self, name: str) -> None:
        self.files.pop(name, None)

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        return {name: (self.versions.get(name, 0),) for name in self.files}

    def written(self, names: Sequence[str]) -> Mapping[str, Writers]:
        if not self.leases:
            return dict.fromkeys(names, Writers.UNKNOWN)
        return {name: Writers.SOME for name in names if name in self.open}

    def read(self) -> Reading:
        return read_texts(list(self._texts()))

    def _texts(self) -> Iterator[Text | Finding]:
        if not self.files:
            yield Finding(Code.NO_YAML_FILES, "no file", source=Source("folder", None))
        for name in sorted(self.files):
            yield Text(name, self.files.get(name, ""))
            self.pass_time(self.now + self.reading_takes)


def watched(
    disk: Disk, seconds: float, looks: Iterator[float], *, prune: bool = False
) -> list[Event]:
    """All that a watch tells within ``seconds``; ``looks`` are the pauses between its looks."""
    watch = Watch(disk, read_texts(list(disk._texts())).contents, disk.clock, prune=prune)
    events, until = [], disk.now + seconds
    while disk.now < until:
        if event := watch.step():
            events.append(event)
        disk.pass_time(disk.now + next(looks))
    return events


def every(pause: float) -> Iterator[float]:
    while True:
        yield pause


def meshes(events: Sequence[Event]) -> list[Mesh]:
    return [event.reading.mesh for event in events if isinstance(event, Settled)]


def mesh_of(texts: Texts) -> Mesh:
    return read_texts([Text(name, texts[name]) for name in sorted(texts)]).mesh


BEFORE = {"a.yaml": services("a", "b", "c"), "b.yaml": services("d")}

declared = st.builds(
    services,
    st.sampled_from(["a", "b", "e", "f"]),
    st.sampled_from(["g", "h"]),
    port=st.integers(1, 9999),
)


@dataclass(frozen=True)
class Save:
    """One way to save a file: its steps, and the seconds between them."""

    text: str
    at: float
    cuts: tuple[float, ...]
    pauses: tuple[float, ...]

    def pieces(self) -> Iterator[str]:
        """What the file holds after each step, from nothing to all."""
        for cut in sorted(self.cuts):
            yield self.text[: int(cut * len(self.text))]
        yield self.text

    def steps(self, first: str) -> Iterator[tuple[float, str]]:
        time = self.at
        yield time, first
        for piece, pause in zip(self.pieces(), (*self.pauses, 0.1), strict=True):
            time += pause
            yield time, piece


def saves(longest_pause: float) -> st.SearchStrategy[Save]:
    pauses = st.floats(0, longest_pause, exclude_max=True)
    return st.integers(0, 6).flatmap(
        lambda n: st.builds(
            Save,
            declared,
            st.floats(0, 1),
            st.tuples(*[st.floats(0, 1)] * n),
            st.tuples(*[pauses] * n),
        )
    )


def open_while_written(disk: Disk, name: str, save: Save) -> Schedule:
    """As shells, ``cp``, ``tar`` and editors do that write in place."""

    def close() -> None:
        disk.open.discard(name)

    def opened() -> None:
        disk.open.add(name)

    steps = list(save.steps(""))
    yield steps[0][0], opened
    yield from ((time, partial(disk.write, name, piece)) for time, piece in steps)
    yield steps[-1][0], close


def opened_for_each_piece(disk: Disk, name: str, save: Save) -> Schedule:
    """As a script does that appends line by line."""
    return ((time, partial(disk.write, name, piece)) for time, piece in save.steps(""))


def deleted_and_written(disk: Disk, name: str, save: Save) -> Schedule:
    """As ``git checkout`` does, and ``vim`` with its backup files."""
    yield save.at, partial(disk.delete, name)
    yield save.at + 0.9 * LONG_QUIET, partial(disk.write, name, save.text)


looks = st.lists(st.floats(0.01, 1.5), min_size=1, max_size=20)


def again(pauses: Sequence[float]) -> Iterator[float]:
    while True:
        yield from pauses


@pytest.mark.parametrize(
    ("ways", "longest_pause"),
    [
        (open_while_written, 3 * LONG_QUIET),
        (opened_for_each_piece, QUIET),
        (deleted_and_written, 1),
    ],
)
@given(st.data())
def test_only_whole_files_are_taken_and_the_last_ones_are(
    ways: Callable[[Disk, str, Save], Schedule],
    longest_pause: float,
    data: st.DataObject,
) -> None:
    save = data.draw(saves(longest_pause))
    disk = Disk(dict(BEFORE), reading_takes=data.draw(st.floats(0, 1)))
    disk.schedule = list(ways(disk, "a.yaml", save))
    events = watched(disk, 60, again(data.draw(looks)))
    after = mesh_of({**BEFORE, "a.yaml": save.text})
    assert [mesh for mesh in meshes(events) if mesh not in (mesh_of(BEFORE), after)] == []
    assert meshes(events)[-1] == after


@given(st.lists(st.floats(0, QUIET, exclude_max=True), min_size=3, max_size=3), looks)
def test_files_that_change_together_are_taken_together(
    pauses: list[float], pauses_of_looks: list[float]
) -> None:
    disk = Disk(dict(BEFORE))
    after = {
        "a.yaml": services("a", "b"),
        "b.yaml": services("d", port=90),
        "c.yaml": services("c"),
    }
    time = 0.5
    for (name, text), pause in zip(after.items(), pauses, strict=True):
        time += pause
        disk.schedule.append((time, partial(disk.write, name, text)))
    events = watched(disk, 30, again(pauses_of_looks))
    assert [m for m in meshes(events) if m not in (mesh_of(BEFORE), mesh_of(after))] == []
    assert meshes(events)[-1] == mesh_of(after)


def changed(disk: Disk, *steps: tuple[float, str | None], name: str = "a.yaml") -> Disk:
    for at, text in steps:
        happens = partial(disk.delete, name) if text is None else partial(disk.write, name, text)
        disk.schedule.append((at, happens))
    return disk


def when(disk: Disk, event: type[Event], looks: float = 0.05) -> float:
    """The time at which a watch tells of an event of this type, after the first."""
    watch = Watch(disk, read_texts(list(disk._texts())).contents, disk.clock)
    told = 0
    while disk.now < 60:
        if happened := watch.step():
            told += 1
            if told > 1 and isinstance(happened, event):
                return disk.now
        disk.pass_time(disk.now + looks)
    raise AssertionError("it never was")


def test_what_grows_is_taken_soon_and_what_shrinks_later() -> None:
    more = changed(Disk(dict(BEFORE)), (2.0, services("a", "b", "c", "e")))
    assert when(more, Settled) == pytest.approx(2.0 + QUIET, abs=0.11)
    fewer = changed(Disk(dict(BEFORE)), (2.0, services("a", "b")))
    assert when(fewer, Settled) == pytest.approx(2.0 + LONG_QUIET, abs=0.11)


def test_a_file_that_lost_its_last_line_needs_the_long_quiet() -> None:
    """Every object is there still, though the last one declares less."""
    cut = "".join(BEFORE["a.yaml"].splitlines(keepends=True)[:-1])
    disk = changed(Disk(dict(BEFORE)), (2.0, cut))
    assert when(disk, Settled) == pytest.approx(2.0 + LONG_QUIET, abs=0.11)


def test_files_that_change_while_they_are_read_are_read_again() -> None:
    disk = Disk(dict(BEFORE), reading_takes=1.0)
    changed(disk, (5.0, services("d", "e")), name="b.yaml")
    changed(disk, (5.6, services("d", "e", "f")), name="b.yaml")
    changed(disk, (5.6, services("a", "b", "c", "g")))
    after = {"a.yaml": services("a", "b", "c", "g"), "b.yaml": services("d", "e", "f")}
    taken = meshes(watched(disk, 20, every(0.1)))
    assert taken == [mesh_of(BEFORE), mesh_of(after)]


def test_another_name_needs_the_long_quiet_though_the_file_grows() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, services("a", "b", "another-name")))
    assert when(disk, Settled) == pytest.approx(2.0 + LONG_QUIET, abs=0.11)


def test_a_last_line_without_its_end_needs_the_long_quiet() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, services("a", "b", "c", "e").rstrip("\n")))
    assert when(disk, Settled) == pytest.approx(2.0 + LONG_QUIET, abs=0.11)


def test_where_nobody_knows_of_writers_only_the_long_quiet_will_do() -> None:
    disk = changed(Disk(dict(BEFORE), leases=False), (5.0, services("a", "b", "c", "e")))
    assert when(disk, Settled) == pytest.approx(5.0 + LONG_QUIET, abs=0.11)


def test_what_changes_in_steps_needs_the_long_quiet() -> None:
    steps = [(2.0, services("a", "b", "c", "e")), (2.2, services("a", "b", "c", "e", "f"))]
    disk = changed(Disk(dict(BEFORE)), *steps)
    assert when(disk, Settled) == pytest.approx(2.2 + LONG_QUIET, abs=0.11)


@pytest.mark.parametrize("text", ["", "\n", "# soon\n", "---\n---\n"])
def test_an_emptied_file_is_never_taken_and_says_so_once(text: str) -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, text))
    first, second = watched(disk, 600, every(0.1))
    assert isinstance(first, Settled)
    assert isinstance(second, Waiting)
    assert "a.yaml declares nothing any more" in second.reason
    assert "--prune" in second.reason


def test_an_emptied_file_is_taken_with_prune() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, ""))
    events = watched(disk, 10, every(0.1), prune=True)
    assert meshes(events)[-1] == mesh_of({"b.yaml": BEFORE["b.yaml"]})


def test_a_file_whose_objects_moved_may_be_empty() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, ""), name="b.yaml")
    changed(disk, (2.0, services("a", "b", "c", "d")))
    assert [type(event) for event in watched(disk, 10, every(0.1))] == [Settled, Settled]


def test_a_deleted_file_is_a_removal() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, None))
    assert meshes(watched(disk, 10, every(0.1)))[-1] == mesh_of({"b.yaml": BEFORE["b.yaml"]})


def test_a_file_that_is_back_in_time_was_never_gone() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, None), (2.0 + 0.9 * LONG_QUIET, BEFORE["a.yaml"]))
    assert {mesh == mesh_of(BEFORE) for mesh in meshes(watched(disk, 10, every(0.1)))} == {True}


def test_errors_are_told_once_and_the_way_back_from_them_too() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, "kind: ["), (20.0, BEFORE["a.yaml"]))
    first, second, third = watched(disk, 60, every(0.1))
    assert isinstance(second, Invalid)
    assert isinstance(first, Settled)
    assert isinstance(third, Settled)
    assert first.reading.mesh == third.reading.mesh


def test_a_folder_that_is_gone_and_comes_back_is_followed_again() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, None), (20.0, services("a")))
    changed(disk, (2.0, None), (20.0, services("d")), name="b.yaml")
    first, gone, back = watched(disk, 60, every(0.1))
    assert isinstance(first, Settled)
    assert isinstance(gone, Invalid)
    assert meshes([back]) == [mesh_of({"a.yaml": services("a"), "b.yaml": services("d")})]


def test_a_writer_that_rests_for_longer_than_any_quiet_is_waited_for() -> None:
    disk = Disk(dict(BEFORE))
    whole = services("a", "e")
    save = Save(whole, at=2.0, cuts=(whole.index("---") / len(whole),), pauses=(0.1,))
    disk.schedule = list(open_while_written(disk, "a.yaml", save))
    last_write, close = disk.schedule[-2:]
    later = 3 * LONG_QUIET
    disk.schedule[-2:] = [(at + later, happens) for at, happens in (last_write, close)]
    after = mesh_of({**BEFORE, "a.yaml": whole})
    assert meshes(watched(disk, 30, every(0.1))) == [mesh_of(BEFORE), after]


def test_a_writer_that_never_ends_is_told() -> None:
    disk = changed(Disk(dict(BEFORE)), (2.0, services("a", "b", "c", "e")))
    disk.open.add("a.yaml")
    (event,) = watched(disk, 60, every(0.1))
    assert isinstance(event, Waiting)
    assert "a.yaml open for writing" in event.reason
    assert PATIENCE > LONG_QUIET
