"""Sources: the texts that the user's paths lead to, or what is wrong with a path.

A file is read whole or not at all. Devices and sockets are not opened, nor what is too large. A
pipe is read where the user names it, as in ``-f <(command)``, and nowhere else: a pipe in a folder
could block for ever.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from laneway.model.codes import Code
from laneway.model.findings import Finding, Source
from laneway.model.suggestions import suggestion

#: Larger files are refused: 1,000 services with 200 lanes take about 0.5 MiB.
MAX_BYTES = 8 * 1024 * 1024
STDIN = "-"
ENDINGS = (".yaml", ".yml")
#: By the marks that they begin with. UTF-32 comes first: its mark begins with that of UTF-16.
_OTHER_ENCODINGS = {
    "UTF-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


@dataclass(frozen=True, slots=True)
class Text:
    """One file's content; ``name`` is the path as the user wrote it, continued into folders.

    ``folder`` is absolute; standard input and pipes have none.
    """

    name: str
    content: str
    folder: str | None = None


def texts(
    paths: Sequence[str], stdin: TextIO | None, *, pipes: bool = True
) -> Iterator[Text | Finding]:
    """Every text once, in the order of the paths; within a folder, sorted by path."""
    seen: set[str] = set()
    for path in paths:
        for name in files(path):
            if isinstance(name, Finding):
                yield name
                continue
            identity = _identity(name)
            if identity in seen:
                continue
            seen.add(identity)
            if name == STDIN:
                yield _standard_input(stdin)
            elif pipes and name == path and is_pipe(name):
                yield _read_pipe(name)
            else:
                yield _read(name)


def is_pipe(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _identity(name: str) -> str:
    """The same for every name of one file."""
    try:
        return name if name == STDIN else os.path.realpath(name)
    except (OSError, ValueError):
        return name


def files(path: str) -> Iterator[str | Finding]:
    """The file itself or, sorted, the YAML files below a folder."""
    if path == STDIN or not os.path.isdir(path):
        yield path
        return
    problems: list[Finding] = []
    found = sorted(_walk(path, problems))
    yield from problems
    yield from found
    if not found and not problems:
        message = f"the folder holds no {' or '.join(f'*{e}' for e in ENDINGS)} file"
        yield _finding(Code.NO_YAML_FILES, path, message, "name a file, or another folder")


def _walk(folder: str, problems: list[Finding]) -> Iterator[str]:
    """YAML files below ``folder``; hidden ones are left out, links to folders not followed."""

    def failed(error: OSError) -> None:
        problems.append(_unreadable(str(error.filename), error))

    for parent, folders, files in os.walk(folder, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            path = os.path.join(parent, name)
            if name.endswith(ENDINGS) and (os.path.islink(path) or not any(_walk(path, []))):
                problems.append(_in_place_of_a_file(path))
        for name in files:
            if name.endswith(ENDINGS) and not name.startswith("."):
                yield os.path.join(parent, name)


def _read(name: str) -> Text | Finding:
    try:
        status = os.stat(name)
        if not stat.S_ISREG(status.st_mode):
            fix = "pipe its content to standard input, and name that: -"
            return _finding(Code.NOT_A_FILE, name, f"it is {_what(status.st_mode)}", fix)
        if status.st_size > MAX_BYTES:
            return _too_large(name, status.st_size)
        with open(name, "rb", opener=_open_without_waiting) as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return _missing(name)
    except (OSError, ValueError) as error:
        return _unreadable(name, error)
    if len(content) > MAX_BYTES:
        return _too_large(name, len(content))
    text = _decoded(name, content)
    if isinstance(text, Finding):
        return text
    return replace(text, folder=os.path.dirname(os.path.abspath(name)))


def _open_without_waiting(name: str, flags: int) -> int:
    """Returns at once, even if the file has just been replaced with a pipe."""
    return os.open(name, flags | os.O_NONBLOCK)


def _read_pipe(name: str) -> Text | Finding:
    """Waits until the writer is done, as ``cat`` does."""
    try:
        with open(name, "rb") as file:
            return _bounded(name, file.read(MAX_BYTES + 1))
    except OSError as error:
        return _unreadable(name, error)


def _standard_input(stdin: TextIO | None) -> Text | Finding:
    name = "<stdin>"
    if stdin is None:
        return _finding(Code.FILE_UNREADABLE, name, "there is no standard input", "name a file")
    raw = getattr(stdin, "buffer", None)
    try:
        content = raw.read(MAX_BYTES + 1) if raw is not None else stdin.read(MAX_BYTES + 1).encode()
    except (OSError, ValueError) as error:
        return _unreadable(name, error)
    return _bounded(name, content)


def _bounded(name: str, content: bytes) -> Text | Finding:
    """Content of unknown length, of which ``MAX_BYTES + 1`` were read at most."""
    if len(content) > MAX_BYTES:
        message = f"it is larger than the {_size(MAX_BYTES)} that laneway reads"
        return _finding(Code.FILE_TOO_LARGE, name, message, "split it")
    return _decoded(name, content)


def _decoded(name: str, content: bytes) -> Text | Finding:
    for encoding, marks in _OTHER_ENCODINGS.items():
        if content.startswith(marks):
            return _finding(Code.NOT_UTF8, name, f"it is {encoding}", "save it as UTF-8")
    if b"\0" in content:
        return _finding(Code.BINARY_FILE, name, "it is binary, not YAML text", "name a YAML file")
    try:
        return Text(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"it is not UTF-8: byte 0x{content[error.start]:02x} at line {line}"
        return _finding(Code.NOT_UTF8, name, message, "save it as UTF-8", line)


def _in_place_of_a_file(folder: str) -> Finding:
    """Its name is that of a file, which may have been there, and been watched, before."""
    message = "it is a folder that holds no YAML file"
    if os.path.islink(folder):
        message = "it is a link to a folder, which is not followed"
    return _finding(Code.NOT_A_FILE, folder, message, "remove it, or rename it")


def _missing(name: str) -> Finding:
    path = Path(name)
    if path.is_symlink():
        return _finding(Code.FILE_NOT_FOUND, name, "it is a link to a file that does not exist")
    try:
        siblings = [str(path.with_name(entry)) for entry in os.listdir(path.parent)]
    except OSError:
        return _finding(Code.FILE_NOT_FOUND, name, f"there is no folder {path.parent}")
    fix = suggestion(str(path), siblings)
    return _finding(Code.FILE_NOT_FOUND, name, "there is no such file or folder", fix)


def _unreadable(name: str, error: OSError | ValueError) -> Finding:
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return _finding(Code.FILE_UNREADABLE, name, f"it cannot be read: {reason}")


def _too_large(name: str, size: int) -> Finding:
    message = f"it has {_size(size)}; laneway reads files of up to {_size(MAX_BYTES)}"
    return _finding(Code.FILE_TOO_LARGE, name, message, "split it")


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"


def _what(mode: int) -> str:
    kinds = {
        stat.S_ISFIFO: "a named pipe",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
        stat.S_ISSOCK: "a socket",
    }
    return next((text for test, text in kinds.items() if test(mode)), "not a file")


def _finding(
    code: Code, name: str, message: str, fix: str = "", line: int | None = None
) -> Finding:
    return Finding(code, message, fix, source=Source(name, None, line))
