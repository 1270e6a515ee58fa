"""How other commands find a running laneway, and the lines that a terminal shows about its API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from laneway.adapters.host.running_servers import RunningServer, registered
from laneway.faces.cli.terminals import fact
from laneway.wiring.serving import ServeSettings, Serving


@contextmanager
def findable(
    command: str, socket: Path, report: Callable[[str], None], before: int | None = None
) -> Iterator[int | None]:
    """Where it cannot be made so, that is reported, and everything else goes on.

    The value, and ``before``, are descriptors as of ``registered``.
    """
    server = RunningServer(command, Path.cwd(), socket.absolute(), os.getpid())
    registration = registered(server, os.environ, before)
    try:
        entry = registration.__enter__()
    except OSError as error:
        report(f"other commands do not find it by themselves: {error.filename}: {error.strerror}")
        yield None
        return
    try:
        yield entry
    finally:
        registration.__exit__(None, None, None)


def reporting(console: Console) -> Callable[[str], None]:
    """Prints what could not be applied, or answered."""

    def report(text: str) -> None:
        console.print(fact("not applied:", "bold red", text), soft_wrap=True)

    return report


def print_api(console: Console, serving: Serving) -> None:
    if serving.address:
        console.print(f"API     {serving.address}", soft_wrap=True)
        console.print("For kubectl: laneway kubeconfig > laneway.kubeconfig", soft_wrap=True)


def print_console(console: Console, serving: Serving, settings: ServeSettings) -> None:
    """A link, where the console has a port of its own."""
    if settings.console is not None:
        console.print(f"Console {serving.sign_in_link()}", soft_wrap=True)
        console.print("The link signs one browser in; `laneway console` prints another.")
