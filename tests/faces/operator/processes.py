"""``laneway-operator`` as a process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def operating(kubeconfig: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Its standard error is in a pipe."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from laneway.faces.operator import main; main()"),
        *("--port", "0", *options),
        env={
            "KUBECONFIG": str(kubeconfig),
            "POD_NAME": "one",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
