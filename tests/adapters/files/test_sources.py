"""Paths: files, folders, standard input, and what is not to be read."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from laneway.adapters.files import MAX_BYTES, read
from laneway.model.codes import Code
from laneway.model.findings import Finding, InvalidInput

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n"


def findings(*paths: Path | str, stdin: io.TextIOBase | None = None) -> tuple[Finding, ...]:
    with pytest.raises(InvalidInput) as caught:
        read([str(path) for path in paths], stdin)  # type: ignore[arg-type]
    return caught.value.findings


def one(path: Path | str, stdin: io.TextIOBase | None = None) -> Finding:
    """The only finding of a path that is wrong: it names the path."""
    (finding,) = findings(path, stdin=stdin)
    assert finding.source is not None
    assert finding.source.file == ("<stdin>" if path == "-" else str(path))
    return finding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", ".hidden/d.yaml", ".e.yaml", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SERVICE % Path(name).stem.strip("."))
    return tmp_path


def names(*paths: Path) -> list[str]:
    return [service.name.name for service in read([str(path) for path in paths]).mesh.services]


def test_folders_are_read_sorted_without_what_is_hidden(folder: Path) -> None:
    assert names(folder) == ["a", "b", "c"]


def test_paths_keep_their_order_and_are_read_once(folder: Path) -> None:
    assert names(folder / "sub", folder, folder / "a.yml") == ["c", "a", "b"]


def test_a_folder_may_be_called_like_a_file(folder: Path) -> None:
    (folder / "sub").rename(folder / "sub.yaml")
    assert names(folder / "sub.yaml") == ["c"]


def test_a_folder_in_the_place_of_a_file_is_no_deletion(folder: Path) -> None:
    """Whoever watches the folder would take back what the file declared."""
    (folder / "c.yaml").mkdir()
    (folder / "d.yaml").symlink_to(folder)
    (folder / ".f.yaml").mkdir()
    found = findings(str(folder))
    assert [(f.code, f.source and f.source.file, f.message) for f in found] == [
        (Code.NOT_A_FILE, f"{folder}/c.yaml", "it is a folder that holds no YAML file"),
        (Code.NOT_A_FILE, f"{folder}/d.yaml", "it is a link to a folder, which is not followed"),
    ]


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "sub" / "loop").symlink_to(folder)
    assert names(folder) == ["a", "b", "c"]


def test_standard_input() -> None:
    reading = read(["-"], io.StringIO(SERVICE % "a"))
    assert [service.name.name for service in reading.mesh.services] == ["a"]
    bytewise = io.TextIOWrapper(io.BytesIO((SERVICE % "b").encode()))
    assert read(["-", "-"], bytewise).mesh.services[0].name.name == "b"


def test_standard_input_that_is_wrong() -> None:
    assert one("-").code == Code.FILE_UNREADABLE
    assert one("-", io.TextIOWrapper(io.BytesIO(b"\xff\xfe\0"))).code == Code.NOT_UTF8
    endless = io.TextIOWrapper(io.BytesIO(b"#" * (MAX_BYTES + 10)))
    assert one("-", endless).code == Code.FILE_TOO_LARGE
    closed = io.StringIO()
    closed.close()
    assert one("-", closed).code == Code.FILE_UNREADABLE


def test_missing_file_with_its_near_miss(folder: Path) -> None:
    finding = one(folder / "b.yml")
    assert finding.code == Code.FILE_NOT_FOUND
    assert finding.fix == f"did you mean {folder / 'b.yaml'}?"
    assert "no folder" in one(folder / "none" / "b.yaml").message


def test_broken_link(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("nowhere")
    (finding,) = findings(tmp_path)
    assert finding.code == Code.FILE_NOT_FOUND
    assert "link" in finding.message


def test_folder_without_yaml(tmp_path: Path) -> None:
    assert one(tmp_path).code == Code.NO_YAML_FILES


def test_empty_file_alone_is_an_error_and_beside_others_a_warning(folder: Path) -> None:
    empty = folder / "empty.yaml"
    empty.write_text("")
    assert [finding.code for finding in findings(empty)] == [
        Code.EMPTY_FILE,
        Code.NOTHING_DECLARED,
    ]
    assert [finding.code for finding in read([str(folder)]).findings] == [Code.EMPTY_FILE]


def test_nothing_at_all() -> None:
    assert [finding.code for finding in findings()] == [Code.NOTHING_DECLARED]


def test_binary_and_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\x7fELF\0\0\1")
    assert one(path).code == Code.BINARY_FILE
    path.write_bytes(b"# ok\nname: caf\xe9\n")
    finding = one(path)
    assert finding.code == Code.NOT_UTF8
    assert "0xe9 at line 2" in finding.message
    path.write_text(SERVICE % "a", encoding="utf-16")
    assert one(path).code == Code.NOT_UTF8
    path.write_text(SERVICE % "a", encoding="utf-8-sig")
    assert names(path) == ["a"]


def test_fifty_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    finding = one(path)
    assert finding.code == Code.FILE_TOO_LARGE
    assert "50.0 MiB" in finding.message
    assert "8.0 MiB" in finding.message


@pytest.fixture
def unix_socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        yield path


def test_what_is_no_regular_file_is_not_opened(unix_socket: Path) -> None:
    for path in (Path("/dev/zero"), unix_socket):
        assert one(path).code == Code.NOT_A_FILE


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)
    return path


def test_a_pipe_in_a_folder_is_not_opened(pipe: Path) -> None:
    """Nobody writes into it: opening it would never return."""
    (finding,) = findings(pipe.parent)
    assert finding.code == Code.NOT_A_FILE


def test_a_pipe_that_changes_into_one_while_watched_is_not_opened(pipe: Path) -> None:
    with pytest.raises(InvalidInput):
        read([str(pipe)], pipes=False)


def test_a_named_pipe_is_read_to_its_end(pipe: Path) -> None:
    writer = threading.Thread(target=pipe.write_text, args=(SERVICE % "a",))
    writer.start()
    assert names(pipe) == ["a"]
    writer.join()


@contextmanager
def substituted(content: bytes) -> Iterator[str]:
    """What a shell makes of ``<(command)``."""
    reading, writing = os.pipe()
    writer = threading.Thread(target=_write, args=(writing, content))
    writer.start()
    yield f"/dev/fd/{reading}"
    os.close(reading)
    writer.join()


def _write(descriptor: int, content: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as file:
        file.write(content)


def test_process_substitution_is_read(folder: Path) -> None:
    with substituted((SERVICE % "x").encode()) as path:
        reading = read([path, str(folder / "sub")])
    assert [service.name.name for service in reading.mesh.services] == ["x", "c"]
    with substituted(b"kind: [") as path:
        assert one(path).code == Code.INVALID_YAML


def test_an_endless_pipe_is_refused() -> None:
    with substituted(b"#" * (MAX_BYTES + 10)) as path:
        assert one(path).code == Code.FILE_TOO_LARGE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(folder: Path) -> None:
    (folder / "b.yaml").chmod(0)
    (folder / "sub").chmod(0)
    try:
        codes = [finding.code for finding in findings(folder)]
    finally:
        (folder / "sub").chmod(0o700)
    assert codes == [Code.FILE_UNREADABLE, Code.FILE_UNREADABLE]


def test_a_path_that_the_system_refuses(tmp_path: Path) -> None:
    assert one(tmp_path / ("x" * 300)).code == Code.FILE_UNREADABLE
    assert one("nul\0byte").code == Code.FILE_UNREADABLE
    assert one(tmp_path / "a.yaml" / "b.yaml").code == Code.FILE_NOT_FOUND


def test_one_object_in_two_files_names_both(folder: Path) -> None:
    (folder / "z.yaml").write_text(SERVICE % "a")
    (finding,) = findings(folder)
    assert finding.code == Code.DUPLICATE_OBJECT
    assert finding.source is not None
    assert finding.source.file == str(folder / "z.yaml")
    assert f"{folder / 'a.yml'}:3 (document 1)" in finding.message


def test_all_files_are_reported_in_order(folder: Path) -> None:
    (folder / "a.yml").write_text("a: [\n")
    (folder / "b.yaml").write_text("kind: Lan\napiVersion: laneway.dev/v1alpha1\n")
    where = [str(finding.source).rpartition("/")[2] for finding in findings(folder)]
    assert where == ["a.yml:2 (document 1)", "b.yaml:1 (document 1)"]
