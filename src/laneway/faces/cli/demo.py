"""``laneway demo``: the article's scenarios on real Envoys, every answer checked.

One scenario after the other: both need the same two processors to start, and a half is sooner to
be seen than a whole. On a terminal the scenarios then stay up for the user's own requests, and each
has its API and the console.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from laneway.adapters.files import Reading, read
from laneway.adapters.runner.errors import PortUnavailable
from laneway.faces.cli import interruption
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.reports import Reporter
from laneway.faces.cli.running_meshes import print_requests, starting
from laneway.faces.cli.scenarios import EXPECTED, SCENARIOS, SERVICES, Scenario, examples, versions
from laneway.faces.cli.terminals import fact, listing, output
from laneway.faces.load import Answer, call
from laneway.model.meshes import Mesh
from laneway.wiring.embedded import Embedded, Settings
from laneway.wiring.lane_requests import LaneRequest, gateway_requests
from laneway.wiring.logs import log_to_stderr

if TYPE_CHECKING:
    from laneway.wiring.serving import Serving

Running: TypeAlias = "Serving | Embedded"

_CLIENTS = 4


@dataclass(frozen=True, slots=True)
class Observed:
    """How often each answer came: versions, or the text of one that is not as it should be."""

    lane: str
    answers: Mapping[tuple[str, ...] | str, int]

    @property
    def right(self) -> int:
        return self.answers.get(EXPECTED[self.lane], 0)

    @property
    def all_right(self) -> bool:
        return self.right == sum(self.answers.values())


def run(number: int | None, settings: Settings, *, requests: int, once: bool) -> int:
    log_to_stderr()
    chosen = [scenario for scenario in SCENARIOS if number in (None, scenario.number)]
    return interruption.run(_demo(chosen, settings, requests, once))


async def _demo(scenarios: list[Scenario], settings: Settings, requests: int, once: bool) -> int:
    console = output()
    stays = console.is_terminal and not once
    right = True
    async with AsyncExitStack() as kept:
        up: dict[str, Serving] = {}
        for scenario in scenarios:
            reading = read([str(examples() / scenario.folder)])
            made = partial(_serving, reading) if stays else partial(_bare, reading.mesh)
            async with AsyncExitStack() as stack:
                title = (f"Scenario {scenario.number}", "bold"), f"  {scenario.title}"
                console.print(Text.assemble(*title))
                running = await _start(console, stack, reading.mesh, made, settings)
                observed = await _show(console, _embedded(running), requests)
                right = right and all(lane.all_right for lane in observed)
                if not isinstance(running, Embedded):
                    up[f"scenario {scenario.number}"] = running
                    await kept.enter_async_context(stack.pop_all())
        _print_verdict(console, right, requests * len(EXPECTED) * len(scenarios))
        if up:
            console.print("Everything is still up: try the commands above. Ctrl-C stops it.")
            await _stay(console, up)
    return 0 if right else 1


def _bare(mesh: Mesh, settings: Settings, reporter: Reporter) -> Embedded:
    return Embedded(mesh, settings, reporter)


def _serving(reading: Reading, settings: Settings, reporter: Reporter) -> Serving:
    """With the API and the console, which takes longer to import."""
    from laneway.faces.cli.demo_consoles import served

    return served(reading, settings, reporter)


def _embedded(running: Running) -> Embedded:
    return running if isinstance(running, Embedded) else running.embedded


async def _stay(console: Console, up: Mapping[str, Serving]) -> None:
    from laneway.faces.cli.demo_consoles import findable_all, show_consoles

    with findable_all(console, up.values()):
        await interruption.until_interrupted(beside=show_consoles(console, up))


async def _show(console: Console, embedded: Embedded, requests: int) -> list[Observed]:
    observed = await _call_lanes(console, embedded, requests)
    console.print()
    _print_table(console, observed)
    console.print()
    print_requests(console, embedded)
    console.print()
    return observed


async def _start(
    console: Console,
    stack: AsyncExitStack,
    mesh: Mesh,
    made: Callable[[Settings, Reporter], Running],
    settings: Settings,
) -> Running:
    """On the ports that the example declares; on free ones if somebody has these."""

    async def entered(settings: Settings) -> tuple[Running, tuple[str, ...]]:
        reporter = Reporter(console, mesh)
        return await stack.enter_async_context(
            starting(made(settings, reporter), _embedded, reporter)
        )

    began = time.monotonic()
    try:
        running, problems = await entered(settings)
    except PortUnavailable as error:
        console.print(fact("note:", "yellow", f"{error}; a free port is used"), soft_wrap=True)
        running, problems = await entered(replace(settings, free_gateway_ports=True))
    if problems:
        raise Failed("\n".join(problems))
    proxies = len(_embedded(running).proxies())
    ready = f"ready after {time.monotonic() - began:.1f} s"
    text = f"{len(mesh.workloads)} workloads behind {proxies} Envoy proxies, {ready}"
    console.print(Text(text, style="dim"))
    return running


async def _call_lanes(console: Console, embedded: Embedded, requests: int) -> list[Observed]:
    """Lane by lane, as the article does: its trace ids start anew with every lane."""
    progress = Progress(
        TextColumn("Calling lane {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    lanes = list(gateway_requests(embedded.mesh, embedded.gateway_urls()))
    with progress:
        task = progress.add_task("", total=requests * len(lanes))
        observed = []
        for lane in lanes:
            progress.update(task, description=lane.lane)
            observed.append(await _call_lane(lane, requests, lambda: progress.advance(task)))
    return observed


async def _call_lane(lane: LaneRequest, requests: int, advance: Callable[[], None]) -> Observed:
    answers: Counter[tuple[str, ...] | str] = Counter()

    def count(answer: Answer) -> None:
        found = versions(answer.body) if answer.status == 200 else None
        answers[found or f"{answer.status or 'no answer'}: {answer.body.strip()}"] += 1
        advance()

    calls = (lane.numbered(number) for number in range(1, requests + 1))
    await call(f"{lane.url}{lane.path}", calls, clients=_CLIENTS, on_answer=count)
    return Observed(lane.lane, answers)


def _print_table(console: Console, observed: list[Observed]) -> None:
    path = " -> ".join(SERVICES)
    table = listing("Lane", f"Expected: {path}", "Observed", "Answers")
    table.columns[3].justify = "right"
    for lane in observed:
        expected = _path(EXPECTED[lane.lane])
        for answer, number in lane.answers.items():
            right = answer == EXPECTED[lane.lane]
            style = "green" if right else "bold red"
            text = answer if isinstance(answer, str) else _path(answer)
            table.add_row(lane.lane, expected, Text(text, style), Text(f"{number}", style))
    console.print(table)


def _path(found: tuple[str, ...]) -> str:
    return " -> ".join(found)


def _print_verdict(console: Console, right: bool, number: int) -> None:
    if right:
        text = f"all {number:,} answers are those that the article prints."
        console.print(fact("right:", "bold green", text))
    else:
        console.print(
            fact("wrong:", "bold red", "some answers are not as the article prints them.")
        )
