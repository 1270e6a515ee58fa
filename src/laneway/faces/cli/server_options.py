"""Where a server keeps its data, and where it listens, as the command line names it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import typer


def data_directory(given: Path | None) -> Path:
    """By default where a user's services keep their state (XDG Base Directory Specification)."""
    if given is not None:
        return given.absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local/state"
    return base / "laneway"


def endpoint(option: str, text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise typer.BadParameter(f"{option}: `{text}` is not HOST:PORT, such as 127.0.0.1:7443")
    return host.strip("[]") or "127.0.0.1", int(port)


def logged_headers(names: Sequence[str]) -> tuple[str, ...]:
    """In lower case, each once. Raises ``BadParameter``."""
    from laneway.apiserver.access_log_entries import header_problem

    for name in names:
        if problem := header_problem(name):
            raise typer.BadParameter(f"--log-header: {problem}")
    return tuple(dict.fromkeys(name.lower() for name in names))
