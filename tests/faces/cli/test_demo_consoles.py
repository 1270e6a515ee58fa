"""The links to the demo's consoles, and what is said where the console cannot be built."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from laneway.adapters.host.programs import run_in_background
from laneway.faces.cli import demo_consoles
from laneway.wiring.serving import Serving

LINK = "http://127.0.0.1:7480/console/#/sign-in/code"


@dataclass
class Up:
    """A running laneway whose console is there once the file is."""

    built: Path

    @property
    def console_built(self) -> bool:
        return self.built.exists()

    def sign_in_link(self) -> str:
        return LINK


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What builds the console in a clone."""
    found = tmp_path / "build_console.py"
    monkeypatch.setattr(demo_consoles, "console_builder", lambda: found)
    return found


async def printed(built: Path) -> str:
    file = io.StringIO()
    await demo_consoles.print_links(
        Console(file=file, width=200), {"scenario 1": cast(Serving, Up(built))}
    )
    return file.getvalue()


async def test_a_console_that_is_there_is_not_built_again(tmp_path: Path, program: Path) -> None:
    (tmp_path / "index.html").touch()
    program.write_text("import sys; sys.exit('built again')")
    text = await printed(tmp_path / "index.html")
    assert f"Console of scenario 1  {LINK}\n" in text
    assert "built" not in text


async def test_in_a_clone_it_is_built_first(tmp_path: Path, program: Path) -> None:
    program.write_text(f"open({str(tmp_path / 'index.html')!r}, 'w').close()")
    assert f"Console of scenario 1  {LINK}\n" in await printed(tmp_path / "index.html")


async def test_one_line_says_why_it_cannot_be_built(tmp_path: Path, program: Path) -> None:
    program.write_text(
        "import sys\nprint('npm talks', file=sys.stderr)\nsys.exit('npm ci: no way')"
    )
    text = await printed(tmp_path / "index.html")
    assert text.splitlines()[1:] == ["note: the console was not built: npm ci: no way"]


async def test_a_package_without_a_console_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_consoles, "console_builder", lambda: None)
    text = await printed(tmp_path / "index.html")
    assert text == "note: the console was not built: this installation of laneway came without it\n"


@pytest.mark.parametrize("starting", [False, True])
async def test_an_interrupted_build_leaves_no_process(tmp_path: Path, starting: bool) -> None:
    """npm starts others, and all of them end; also while asyncio still connects the pipes."""
    pids = tmp_path / "pids"
    child = f"echo $$ >> {pids}; sleep 600 & echo $! >> {pids}; wait"
    building = asyncio.create_task(run_in_background(["sh", "-c", child]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    while not pids.exists() or pids.read_text().count("\n") < 2:
        if starting:
            time.sleep(0.01)  # Nothing else is to happen in the event loop.
        else:
            await asyncio.sleep(0.01)
    building.cancel()
    await asyncio.wait([building], timeout=10)
    left = [pid for pid in pids.read_text().split() if _goes_on(pid)]
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    assert left == []
    assert building.cancelled()


def _goes_on(pid: str) -> bool:
    """Whether it runs, and is not just being killed: that may take long on a busy machine."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    pending = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return status["State"][0] not in "ZX" and not pending & 1 << signal.SIGKILL - 1
