"""What open consoles cost the server: CPU time and memory of ``laneway serve``.

Each console keeps one stream of events open, and asks for the traffic of its group every two
seconds, as the page with the lane map does. A lane changes every second. Beside it stands a server
with the same changes and no console, twice: their difference is what consoles cost, and how far
apart equal things are here.

    make develop && .venv/bin/python -m bench.bench_console
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from bench.reports import Report

CONSOLES = 50
ROOT = Path(__file__).resolve().parents[1]
LANEWAY = Path(sys.executable).with_name("laneway")
OWN = "/apis/api.laneway.dev/v1alpha1"
RESOURCES = ("lanegroups.laneway.dev", "lanes.laneway.dev", "services", "workloads.laneway.dev")
_LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/console/#/sign-in/\S+")


@dataclass(frozen=True)
class Cost:
    """``cores``: CPU seconds per second. ``megabytes`` are resident at the end."""

    cores: float
    megabytes: float
    events: int


@asynccontextmanager
async def served(data: Path) -> AsyncIterator[tuple[Process, str]]:
    """The server and its address."""
    command = (str(LANEWAY), "serve", "--data-dir", str(data), "--console", "127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    try:
        assert process.stdout is not None
        found: re.Match[str] | None = None
        while found is None:
            found = _LINK.search((await process.stdout.readline()).decode())
        files = data.parent / "mesh"
        files.mkdir()
        for path in (ROOT / "examples/scenario-2").iterdir():
            (files / path.name).write_text(path.read_text().replace("80=18001", "80=0"))
        for arguments in (("apply", "-f", str(files)), ("wait", "lanes", "--timeout=120s")):
            done = await asyncio.create_subprocess_exec(
                str(LANEWAY), *arguments, "--data-dir", str(data), stdout=PIPE
            )
            await done.communicate()
        yield process, found[1]
    finally:
        process.terminate()
        await process.communicate()


async def cost(consoles: int, seconds: float) -> Cost:
    with TemporaryDirectory(prefix="laneway-bench-") as folder:
        data = Path(folder, "data")
        async with served(data) as (process, address):
            token = await _token(data)
            counts = [0] * consoles
            looking = [
                asyncio.create_task(_console(address, token, counts, number))
                for number in range(consoles)
            ]
            await asyncio.sleep(3)
            began, used = time.monotonic(), _cpu_seconds(process.pid)
            await _change(data, seconds)
            cores = (_cpu_seconds(process.pid) - used) / (time.monotonic() - began)
            megabytes = _resident_megabytes(process.pid)
            for task in looking:
                assert not task.done(), task
                task.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
    return Cost(cores, megabytes, sum(counts))


async def _console(address: str, token: str, counts: list[int], number: int) -> None:
    """One open page, with a client of its own as a browser is."""
    headers = {"authorization": f"Bearer {token}"}
    query = "&".join(f"resource={each}" for each in RESOURCES)
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=None) as client:

        async def poll() -> None:
            while True:
                (await client.get(f"{OWN}/traffic/test")).raise_for_status()
                await asyncio.sleep(2)

        async def follow() -> None:
            async with client.stream("GET", f"{OWN}/events?{query}") as stream:
                async for line in stream.aiter_lines():
                    counts[number] += line.startswith("data:")

        await asyncio.gather(poll(), follow())


async def _change(data: Path, seconds: float) -> None:
    """One lane each second, for so long."""
    transport = httpx.AsyncHTTPTransport(uds=str(data / "api.sock"))
    patch = {"content-type": "application/merge-patch+json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
        for turn in range(round(seconds)):
            body = json.dumps({"spec": {"owner": f"jill{turn}"}})
            url = "/apis/laneway.dev/v1alpha1/lanes/s2"
            (await client.patch(url, content=body, headers=patch)).raise_for_status()
            await asyncio.sleep(1)


async def _token(data: Path) -> str:
    done = await asyncio.create_subprocess_exec(
        str(LANEWAY), "token", "create", "bench", "--data-dir", str(data), stdout=PIPE
    )
    output, _ = await done.communicate()
    return output.decode().split()[-1]


def _cpu_seconds(pid: int) -> float:
    """User and system time of the process itself, without the proxies that it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)
    assert found
    return int(found[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="for which a server is measured")
    seconds = parser.parse_args().seconds
    columns = ("consoles", "cores", "MB", "events received")
    report = Report("console", columns, f"laneway serve with open consoles, {seconds:g} s each")
    for label, consoles in (("none", 0), ("none again", 0), (str(CONSOLES), CONSOLES)):
        found = asyncio.run(cost(consoles, seconds))
        report.add(label, f"{found.cores:.3f}", f"{found.megabytes:.1f}", str(found.events))
    report.publish()


if __name__ == "__main__":
    main()
