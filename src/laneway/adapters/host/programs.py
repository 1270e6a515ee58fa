"""Programs that a command runs for its user: on the user's terminal, or in the background."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


def run_in_foreground(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> int:
    """Its exit code, as a shell tells it: 128 and more for one that a signal ended. Raises
    ``OSError`` where it cannot be started."""
    code = subprocess.call(command, env=environment, cwd=folder)
    return code if code >= 0 else 128 - code


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended, and what it wrote to stdout and stderr."""

    code: int
    output: str
    errors: str


async def run_in_background(command: Sequence[str], niceness: int = 19) -> Ended:
    """Without input, and by default after everything else that wants the processors. If this is
    cancelled, the program and all that it started are killed. Raises ``OSError`` where it cannot be
    started."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *("nice", "-n", str(niceness), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        # asyncio kills a program whose start is cancelled, but waits for all that it started.
        process = await asyncio.shield(starting)
        output, errors = await process.communicate()
    finally:
        process = await starting
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    texts = (text.decode(errors="replace") for text in (output, errors))
    return Ended(process.returncode or 0, *texts)
