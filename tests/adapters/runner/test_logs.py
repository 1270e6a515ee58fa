from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from laneway.adapters.runner.logs import LogFile, Output


def test_the_file_rotates_once_and_stays_within_its_cap(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = LogFile(path, most_bytes=100)
    for number in range(50):
        log.write(f"line {number:02d} ....\n".encode())
    log.close()
    assert sorted(os.listdir(tmp_path)) == ["a.log", "a.log.1"]
    assert path.stat().st_size <= 100
    assert (tmp_path / "a.log.1").stat().st_size <= 100
    kept = (tmp_path / "a.log.1").read_text() + path.read_text()
    assert kept.endswith("line 48 ....\nline 49 ....\n")


def test_two_that_append_to_a_file_lose_nothing_when_one_begins_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    old, new = LogFile(path, most_bytes=60), LogFile(path, most_bytes=60)
    for number in range(5):
        old.write(f"old {number} ....\n".encode())
        new.write(f"new {number} ....\n".encode())
    new.write(b"new 5 ....\n")  # the sixth begins a new file
    old.write(b"old 5 ....\n")  # whose sixth goes on there
    for log in (old, new):
        log.close()
    kept = (tmp_path / "a.log.1").read_text() + path.read_text()
    assert sorted(kept.split(" ....\n")[:-1]) == sorted(
        f"{who} {number}" for who in ("old", "new") for number in range(6)
    )


def test_it_goes_on_with_the_file_of_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for text in (b"one\n", b"two\n"):
        log = LogFile(path)
        log.write(text)
        log.close()
    assert path.read_text() == "one\ntwo\n"


def test_the_last_lines_are_remembered_whole_and_bounded(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log")
    log.write(b"fir")
    log.write(b"st\r\n" + b"x" * 5000 + b"\nno end")
    log.close()
    assert log.tail() == ("first", "x" * 2000, "no end")
    log.write(b"\n" + b"l\n" * 100)
    log.close()
    assert log.tail() == ("l",) * 20


def test_an_endless_line_does_not_grow_in_memory(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", most_bytes=1000)
    for _ in range(100):
        log.write(b"y" * 500)
    log.close()
    assert log.tail() == ("y" * 2000,)


def test_a_full_disk_loses_output_but_not_the_last_lines() -> None:
    said: list[str] = []
    log = LogFile(Path("/dev/full"), on_trouble=said.append)
    for _ in range(5):
        log.write(b"hello\n")
    log.close()
    assert said == ["cannot write /dev/full: No space left on device"]
    assert log.tail() == ("hello",) * 5


def test_trouble_is_told_again_after_it_had_ended(tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "logs"
    folder.write_text("in the way")
    log = LogFile(folder / "a.log", on_trouble=said.append)
    log.write(b"1\n")
    folder.unlink()
    log.write(b"2\n")
    log.close()
    assert (folder / "a.log").read_text() == "2\n"
    assert len(said) == 1


@pytest.mark.parametrize("full", [False, True], ids=["at first", "when it rotates"])
def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path: Path, full: bool) -> None:
    said: list[str] = []
    path, precious = tmp_path / "a.log", tmp_path / "precious"
    precious.write_text("precious")
    log = LogFile(path, most_bytes=4, on_trouble=said.append)
    if full:
        log.write(b"one\n")
        (tmp_path / "a.log.1").symlink_to(precious)
    else:
        path.symlink_to(precious)
    log.write(b"two\n")
    log.close()
    assert precious.read_text() == "precious"
    told = f"cannot write {path}: is a link, which laneway does not follow; remove it"
    assert said == ([] if full else [told])


def test_a_pipe_is_emptied_though_nothing_can_be_written() -> None:
    reader, writer = os.pipe()
    ended = threading.Event()
    Output(reader, LogFile(Path("/dev/full")), ended.set)
    with open(writer, "wb") as pipe:
        pipe.write(b"z" * 1_000_000)  # far more than a pipe holds
    assert ended.wait(20)
