"""``laneway up --watch`` on real Envoys: files change as people and tools change them."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.clients import Call, load
from tests.e2e.scenarios import EXAMPLES, EXPECTED, SCENARIOS, answer
from tests.e2e.traffic import Traffic

pytestmark = [pytest.mark.envoy, pytest.mark.slow]


@dataclass
class Watched:
    """``laneway up --watch`` over a copy of the example."""

    folder: Path
    process: asyncio.subprocess.Process
    url: str = ""

    async def line(self, text: str) -> str:
        """The next line of output that contains ``text``."""
        assert self.process.stdout is not None
        async with asyncio.timeout(120):
            while line := (await self.process.stdout.readline()).decode():
                if text in line:
                    return line
        raise AssertionError(f"laneway ended without saying {text!r}")

    async def silence(self, seconds: float) -> None:
        """Nothing is said for so long."""
        assert self.process.stdout is not None
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.process.stdout.readline(), seconds)

    def rewrite(self, old: str, new: str, file: str = "lanes.yaml") -> None:
        path = self.folder / file
        path.write_text(path.read_text().replace(old, new))

    async def body(self, lane: str) -> str:
        (result,) = await load(self.url, [Call("/mock", {"my-request-id": lane})])
        assert result.status == 200
        return result.body


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[Watched]:
    shutil.copytree(EXAMPLES / "scenario-2", folder)
    lanes = folder / "lanes.yaml"
    lanes.write_text(lanes.read_text().replace("80=18001", "80=0"))
    laneway = Path(sys.executable).parent / "laneway"
    process = await asyncio.create_subprocess_exec(
        str(laneway), "up", "-f", str(folder), "--watch", stdout=asyncio.subprocess.PIPE
    )
    watched = Watched(folder, process)
    try:
        watched.url = (await watched.line("http://127.0.0.1")).split()[2]
        await watched.line("Watching")
        yield watched
    finally:
        process.terminate()
        await process.communicate()


async def test_what_is_saved_is_applied_whole_or_refused_whole(tmp_path: Path) -> None:
    async with watching(tmp_path / "mesh") as watched:
        assert await watched.body("s2") == EXPECTED["s2"]
        watched.rewrite("ASM_TRAFFIC_TAG: v2", "ASM_TRAFFIC_TAG: v3")
        assert "~lane test/s2" in await watched.line("applied:")
        moved = answer("v3", "v1", "v3")
        assert await watched.body("s2") == moved
        watched.rewrite("selector:", "selectr:")
        assert "did you mean selector?" in await watched.line("UNKNOWN_FIELD")
        assert "what ran before runs on" in await watched.line("refused:")
        assert await watched.body("s2") == moved
        watched.rewrite("selectr:", "selector:")
        watched.rewrite("ASM_TRAFFIC_TAG: v3", "ASM_TRAFFIC_TAG: v2")
        assert "~lane test/s2" in await watched.line("applied:")
        assert await watched.body("s2") == EXPECTED["s2"]
        watched.rewrite("[mocka, mockc]", "[mocka, mockx]")
        assert "mockx" in await watched.line("UNKNOWN_SERVICE")
        await watched.line("refused:")
        assert await watched.body("s2") == EXPECTED["s2"]


async def test_a_file_that_is_rewritten_slowly_costs_no_request(tmp_path: Path) -> None:
    """Truncated, left empty, written in pieces that are valid YAML of less: 8 times, under load.

    Then once more with an edit at its end, which is all that is ever applied.
    """
    async with watching(tmp_path / "mesh") as watched:
        lanes = watched.folder / "lanes.yaml"
        text = lanes.read_text()
        traffic = Traffic(watched.url, SCENARIOS[1], clients=4)
        for _ in range(8):
            await rewrite_slowly(lanes, text, pause=0.15)
        await watched.silence(1.0)
        await rewrite_slowly(lanes, text.replace("ASM_TRAFFIC_TAG: v2", "ASM_TRAFFIC_TAG: v3"), 0.6)
        assert "applied: ~lane test/s2 (spec.selector" in await watched.line("")
        await traffic.more(30)
        answers = await traffic.stop()
    counted = Counter(a.status for a in answers)
    assert counted.keys() == {200}
    # While the edit is made, a request may take one hop by the old routes and the next by the new.
    mixed = {answer("v3", "v1", "v2"), answer("v2", "v1", "v3")}
    assert {a.body for a in answers} - mixed == {*EXPECTED.values(), answer("v3", "v1", "v3")}


async def rewrite_slowly(path: Path, text: str, pause: float) -> None:
    """As a shell's ``>`` does, a document at a time: each piece is valid and ends with a line."""
    with path.open("w") as file:
        await asyncio.sleep(pause)
        for document in text.split("---\n")[:-1]:
            file.write(f"{document}---\n")
            file.flush()
            await asyncio.sleep(pause)
        file.write(text.rpartition("---\n")[2])


async def test_an_emptied_file_removes_nothing_and_its_deletion_does(tmp_path: Path) -> None:
    async with watching(tmp_path / "mesh") as watched:
        lanes = watched.folder / "lanes.yaml"
        own = watched.folder / "own.yaml"
        own.write_text(lane("own", "v3"))
        assert "applied: +lane test/own;" in await watched.line("applied:")
        own.write_text("")
        assert "own.yaml declares nothing any more" in await watched.line("waiting:")
        own.write_text(lane("own", "v3"))
        await watched.line("unchanged:")
        away = watched.folder.with_name("away")
        watched.folder.rename(away)
        await watched.line("FILE_NOT_FOUND")
        await watched.line("refused:")
        away.rename(watched.folder)
        await watched.line("unchanged:")
        lanes.write_text(lanes.read_text().replace("[mocka, mockc]", "[mocka, mockx]"))
        await watched.line("refused:")
        lanes.write_text(lanes.read_text().replace("[mocka, mockx]", "[mocka, mockc]"))
        await watched.line("unchanged:")
        own.unlink()
        assert "applied: -lane test/own;" in await watched.line("applied:")
        assert await watched.body("s2") == EXPECTED["s2"]


def lane(name: str, version: str) -> str:
    return (
        f"apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {{name: {name}}}\n"
        f"spec: {{group: test, selector: {{ASM_TRAFFIC_TAG: {version}}}, services: [mockb]}}\n"
    )
