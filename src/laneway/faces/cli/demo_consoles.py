"""The consoles of ``laneway demo``, one for each scenario that stays up.

In a clone the console may not be built yet. It is built when the demo's tables are printed, so that
it delays nothing; where it cannot be built, one line says why, and everything else goes on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from rich.console import Console

from laneway.adapters.files import Reading
from laneway.adapters.host.programs import run_in_background
from laneway.faces.cli.findable_servers import findable, reporting
from laneway.faces.cli.reports import Reporter
from laneway.faces.cli.server_requests import SOCKET
from laneway.faces.cli.terminals import fact, output
from laneway.wiring.console_paths import console_builder
from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

_NO_SOURCES = "this installation of laneway came without it"


def served(reading: Reading, settings: Settings, reporter: Reporter) -> Serving:
    """A laneway with these objects, which the API and the console may change."""
    mesh = replace(settings, access_log=True)
    where = ServeSettings(None, mesh=mesh, console=("127.0.0.1", 0), console_built_later=True)
    return Serving(where, reporter, reporting(output()), example=reading)


@contextmanager
def findable_all(console: Console, up: Iterable[Serving]) -> Iterator[None]:
    """Other commands find each of them."""
    with ExitStack() as stack:
        for serving in up:
            socket = serving.folder / SOCKET
            stack.enter_context(findable("demo", socket, reporting(console)))
        yield


async def show_consoles(console: Console, up: Mapping[str, Serving]) -> None:
    """Print the links, and wait until cancelled."""
    await print_links(console, up)
    await asyncio.get_running_loop().create_future()


async def print_links(console: Console, up: Mapping[str, Serving]) -> None:
    """Build the console first where it is not built."""
    reason = await _build(console) if not all(each.console_built for each in up.values()) else ""
    if reason:
        text = f"the console was not built: {reason}"
        console.print(fact("note:", "yellow", text), soft_wrap=True)
    else:
        for name, serving in up.items():
            console.print(f"Console of {name}  {serving.sign_in_link()}", soft_wrap=True)
        console.print("Each link signs one browser in; `laneway console` prints another.")


async def _build(console: Console) -> str:
    """Why it cannot be built; "" where it can, and is."""
    program = console_builder()
    if program is None:
        return _NO_SOURCES
    console.print("The console is being built, which takes about a minute the first time.")
    try:
        ended = await run_in_background([sys.executable, str(program)])
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    lines = ended.errors.strip().splitlines()
    return (lines or ["the build failed and said nothing"])[-1] if ended.code else ""
