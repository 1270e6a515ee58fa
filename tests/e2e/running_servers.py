"""A ``laneway serve`` in a thread of its own, for commands that run in the test's thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from laneway.control.events import Event
from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

Result = TypeVar("Result")


@dataclass
class RunningServer:
    """``do`` runs a coroutine where the server runs. ``heard`` are the events of its mesh."""

    data: Path
    serving: Serving
    loop: asyncio.AbstractEventLoop
    heard: Sequence[Event]

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)


def log_errors_alone() -> None:
    """Commands in the test's thread have standard output for themselves.

    Each test asks for it: after each, logging is as it was.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@contextmanager
def running_server(folder: Path, **settings: Any) -> Iterator[RunningServer]:
    mesh = Settings(free_gateway_ports=True, concurrency=1, **settings)
    made = ServeSettings(folder / "data", ("127.0.0.1", 0), mesh=mesh)
    started, stop = threading.Event(), asyncio.Event()
    servers: list[RunningServer] = []
    failures: list[BaseException] = []

    async def serve() -> None:
        heard: list[Event] = []
        async with Serving(made, heard.append) as serving:
            loop = asyncio.get_running_loop()
            servers.append(RunningServer(folder / "data", serving, loop, heard))
            started.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failures.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(60)
    if failures:
        raise failures[0]
    (server,) = servers
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        assert not thread.is_alive()
