"""``laneway up --watch``: what is saved is applied whole, or refused whole with the reason."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing

from rich.console import Console

from laneway.adapters.files import read
from laneway.adapters.files.watching import changes
from laneway.adapters.runner.errors import RunnerError
from laneway.compile.envoy.limits import check
from laneway.faces.cli.findings import print_findings
from laneway.faces.cli.terminals import fact
from laneway.model.findings import InvalidInput
from laneway.model.meshes import Mesh
from laneway.schema.reports import change_reports
from laneway.wiring.embedded import Embedded

_STAYS = "what ran before runs on"


async def follow(console: Console, embedded: Embedded, files: Sequence[str]) -> None:
    """Apply every change of ``files`` to ``embedded``, until cancelled."""
    async with aclosing(changes(files)) as bursts:
        await anext(bursts)
        console.print(f"Watching {', '.join(files)} for changes.", soft_wrap=True)
        await _apply(console, embedded, files)
        async for _ in bursts:
            await _apply(console, embedded, files)


async def _apply(console: Console, embedded: Embedded, files: Sequence[str]) -> None:
    try:
        reading = read(files, check=check)
    except InvalidInput as invalid:
        print_findings(console, invalid.findings)
        console.print(fact("refused:", "bold red", f"{invalid}; {_STAYS}"))
        return
    if reading.mesh == embedded.mesh:
        return
    print_findings(console, reading.findings)
    differences = ", ".join(_differences(embedded.mesh, reading.mesh))
    began = time.monotonic()
    try:
        change = await embedded.change(reading.mesh)
    except (RunnerError, OSError) as error:
        console.print(fact("refused:", "bold red", f"{error}; {_STAYS}"), soft_wrap=True)
        return
    if change.applied:
        milliseconds = (time.monotonic() - began) * 1000
        told = f"{differences}; every proxy acknowledged, after {milliseconds:.0f} ms"
        if change.late:
            told = f"{differences}; {', '.join(change.late)} did not answer and will catch up"
        console.print(fact("applied:", "bold green", told), soft_wrap=True)
        return
    for rejection in change.rejections:
        console.print(fact("rejected:", "bold red", rejection), soft_wrap=True)
    console.print(fact("refused:", "bold red", f"{differences}; {_STAYS}"), soft_wrap=True)


def _differences(before: Mesh, after: Mesh) -> Iterator[str]:
    """In words: ``+lane test/s4``, ``-workload default/x``, ``~group test (spec.mode)``."""
    signs = {"added": "+", "changed": "~", "removed": "-"}
    for report in change_reports(before, after):
        kind = "group" if report.kind == "LaneGroup" else report.kind.lower()
        fields = f" ({', '.join(report.fields)})" if report.fields else ""
        yield f"{signs[report.change]}{kind} {report.name}{fields}"
