"""Walks through the console in a real browser: the scripts in ``console/browser``."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from laneway.wiring.console_paths import console_folder

SCRIPTS = Path(__file__).parents[2] / "console/browser"
#: Seconds that the browser may take.
PATIENCE = 240


def programs() -> tuple[str, str]:
    """Node and Chromium; skips where the console cannot be tried."""
    if console_folder() is None or not (SCRIPTS.parent / "node_modules/playwright-core").is_dir():
        pytest.skip("the console was not built: `make console` builds it")
    node, chromium = shutil.which("node"), shutil.which("chromium")
    if node is None or chromium is None:
        pytest.skip("there is no node, or no chromium (on Debian: apt install nodejs chromium)")
    return node, chromium


async def walk(script: str, *arguments: str) -> dict[str, Any]:
    """What the script saw."""
    node, chromium = programs()
    process = await asyncio.create_subprocess_exec(
        *(node, str(SCRIPTS / script), chromium, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(output)
    return found
