"""Running until the user has had enough: Ctrl-C (or SIGTERM) stops in order, a second one at once.

The second one ends this process without ceremony; what it started does not outlive it, since the
runner's orphan reaper ends it too.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from laneway.faces.cli.terminals import errors

INTERRUPTED = 130


def run(command: Coroutine[Any, Any, int]) -> int:
    """Run to the end; interrupted before that, unwind and return 130."""
    return asyncio.run(_interruptible(command))


async def until_interrupted(beside: Coroutine[Any, Any, object] | None = None) -> None:
    """Returns, rather than being cancelled, at the interruption: to be stopped is the plan.

    ``beside`` is an endless task that runs until then. If it fails, that is raised here: nothing is
    to go on as if it still ran.
    """
    try:
        await (asyncio.get_running_loop().create_future() if beside is None else beside)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()


def run_reader(command: Callable[[], int]) -> int:
    """The exit code of a command that follows something; 130 after Ctrl-C."""
    try:
        return command()
    except KeyboardInterrupt:
        return INTERRUPTED


async def _interruptible(command: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(command)
    loop = asyncio.get_running_loop()
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if interrupted:
            os._exit(INTERRUPTED)
        interrupted = True
        task.cancel()
        errors().print("\nStopping; press Ctrl-C again to stop at once.")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        return await task
    except asyncio.CancelledError:
        return INTERRUPTED
