"""Lines of log files that something else writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from laneway.adapters.host.log_lines import LogLines

Read = Callable[[Path], LogLines]


@pytest.fixture
def read() -> Iterator[Read]:
    with ExitStack() as stack:

        def opened(path: Path) -> LogLines:
            lines = LogLines(path)
            stack.callback(lines.close)
            return lines

        yield opened


def test_lines_are_handed_out_once_they_end(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a\nb\r\nhal")
    lines = read(path)
    assert lines.written(None) == ["a", "b"]
    assert lines.rest() == ["hal"]
    with path.open("ab") as file:
        file.write(b"f\nnext\n\xff\n")
    assert lines.added() == ["half", "next", "\N{REPLACEMENT CHARACTER}"]
    assert lines.added() == []
    assert lines.rest() == []


def test_the_file_before_belongs_to_what_is_there(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "log"
    path.with_name("log.1").write_text("old\n")
    path.write_text("new\nnewer\n")
    assert read(path).written(None) == ["old", "new", "newer"]
    assert read(path).written(2) == ["new", "newer"]
    assert read(path).written(0) == []


def test_no_line_is_lost_when_the_log_goes_on_in_a_new_file(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "log"
    path.write_text("a\n")
    lines = read(path)
    assert lines.written(None) == ["a"]
    with path.open("a") as file:
        file.write("b\n")
    os.replace(path, path.with_name("log.1"))
    assert lines.added() == ["b"]  # the new file is not there yet
    path.write_text("c\n")
    assert lines.added() == ["c"]


def test_a_log_that_is_not_there_yet_begins_empty(tmp_path: Path, read: Read) -> None:
    lines = read(tmp_path / "log")
    assert lines.written(None) == []
    (tmp_path / "log").write_text("a\n")
    assert lines.added() == ["a"]
