"""Compares what one request costs in Envoys that differ in one thing.

Each comparison has three Envoys: a base, the same again, and another. The second one says how much
of a difference is none.

*CPU time* is that of Envoy's workers. Rounds are interleaved in a random order, and a ratio is of
two Envoys in one round. Two processes differ for as long as they live, even if they are the same,
so all are started anew several times. *Instructions* (``instructions``) hardly differ between two
that are the same. So they have a bar; CPU time has its spread.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from bench.bench_request_cost import WORKERS, answerer, answers, cpu_seconds, drive, envoy
from bench.instructions import Counter, callgrind, can_count
from bench.reports import Report

from laneway.adapters.runner.bootstraps import bootstrap
from laneway.adapters.runner.ports import Ports
from laneway.adapters.xds.proxy_registry import ProxyRegistry
from laneway.adapters.xds.server import XdsServer
from laneway.compile.resources import Snapshot
from laneway.model.placements import Address
from laneway.wiring.logs import log_to_stderr

#: How often instructions are counted, and how many requests each count has.
_COUNTS, _COUNTED, _WARM = 2, 300, 200


@dataclass(frozen=True)
class Subject:
    """An Envoy that gets ``snapshot`` and listens at ``address``."""

    snapshot: Snapshot
    address: Address
    requests: Mapping[str, bytes]


@dataclass(frozen=True)
class Comparison:
    """``subjects`` are the base, the same again, and the other one, all asked the same."""

    name: str
    subjects: Mapping[str, Subject]
    ratio: str
    #: The most that ``ratio`` may be, in instructions.
    bar: float

    @property
    def requests(self) -> Sequence[str]:
        return list(next(iter(self.subjects.values())).requests)


#: From where all requests are answered, and addresses for the subjects.
Comparisons = Callable[[Address, Iterator[Address]], Iterable[Comparison]]
Samples = dict[str, dict[str, list[float]]]


async def main(description: str | None, comparisons: Comparisons) -> None:
    """Runs a benchmark from the command line, and fails if instructions are above a bar."""
    parser = argparse.ArgumentParser(description=description)
    starts = "of all Envoys for CPU time; 0 counts instructions only"
    parser.add_argument("--starts", type=int, default=5, help=starts)
    parser.add_argument("--rounds", type=int, default=4, help="after each start")
    parser.add_argument("--requests", type=int, default=2000, help="of each kind in a round")
    options = parser.parse_args()
    log_to_stderr()
    misses = []
    with closing(Ports()) as ports:
        answering, *addresses = (ports.reserve(f"port {number}") for number in range(16))
        ports.share([answering, *addresses])  # they stay reserved while Envoys start anew
        for each in comparisons(answering, iter(addresses)):
            misses += await compare(each, answering, options)
    sys.exit("\n".join(misses) or None)


async def compare(
    comparison: Comparison, answering: Address, options: argparse.Namespace
) -> list[str]:
    """Prints both tables. Returns what is above the bar."""
    shuffle = random.Random(0).shuffle
    samples: Samples = {
        what: {name: [] for name in comparison.subjects} for what in comparison.requests
    }
    for _ in range(options.starts):
        async with _started(comparison.subjects, answering) as pids:
            for number in range(options.rounds + 1):
                turns = [(what, name) for what in samples for name in pids]
                shuffle(turns)
                for what, name in turns:
                    subject = comparison.subjects[name]
                    cost = await _cpu(subject, what, pids[name], options.requests)
                    if number:  # the first round warms up
                        samples[what][name].append(cost)
    if options.starts:
        _publish_cpu(comparison, samples)
    if not can_count():
        print("Instructions are not counted: valgrind is not installed.")
        return []
    counts: Samples = {what: {} for what in comparison.requests}
    for name, subject in comparison.subjects.items():
        for what, counted in (await _instructions(name, subject, answering)).items():
            counts[what][name] = counted
    return _publish_instructions(comparison, counts)


async def _cpu(subject: Subject, what: str, pid: int, count: int) -> float:
    """Microseconds of one request."""
    before = cpu_seconds(pid, WORKERS)
    await drive(subject.address, [subject.requests[what]] * count)
    return (cpu_seconds(pid, WORKERS) - before) / count * 1e6


async def _instructions(name: str, subject: Subject, answering: Address) -> dict[str, list[float]]:
    """Of one request. Envoys that are counted start one after another: they are slow.

    With one connection Envoy handles each event by itself. With several, it depends on the time of
    day how many it handles at once.
    """

    async def asked(what: str, count: int) -> None:
        await drive(subject.address, [subject.requests[what]] * count, connections=1)

    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "counts"
        async with _started({name: subject}, answering, callgrind(output)) as pids:
            counter = Counter(pids[name], output)
            counter.start()
            found: dict[str, list[float]] = {}
            for what in subject.requests:
                await asked(what, _WARM)
                found[what] = [
                    await counter.count(asked(what, _COUNTED)) / _COUNTED for _ in range(_COUNTS)
                ]
            return found


@asynccontextmanager
async def _started(
    subjects: Mapping[str, Subject], answering: Address, prefix: Sequence[str] = ()
) -> AsyncIterator[Mapping[str, int]]:
    """The processes of the Envoys, which answer and have lost their control plane."""
    registry, pids = ProxyRegistry(), {}
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        directory = Path(temporary)
        stack.enter_context(envoy(directory, "answerer", answerer(answering)))
        xds = directory / "xds.sock"
        async with XdsServer(registry, f"unix:{xds}"):
            for number, (name, subject) in enumerate(subjects.items()):
                node = f"subject-{number}"
                registry.publish({node: subject.snapshot})
                configuration = bootstrap(node, xds, directory / f"{node}-admin.sock")
                process = stack.enter_context(envoy(directory, node, configuration, prefix))
                await answers(process, subject.address, [*subject.requests.values()])
                pids[name] = process.pid
        yield pids


def _publish_cpu(comparison: Comparison, samples: Samples) -> None:
    base, again, other = comparison.subjects
    same = f"{base} / same"
    columns = (
        "request",
        *comparison.subjects,
        comparison.ratio,
        "middle half",
        same,
        "middle half of that",
    )
    report = Report(comparison.name, columns, title="CPU µs of one request: medians", labels=1)
    for what, costs in samples.items():
        medians = (f"{statistics.median(each):.1f}" for each in costs.values())
        ratios = (_ratios(costs[each], costs[base]) for each in (other, again))
        report.add(what, *medians, *(cell for each in ratios for cell in _spread(each)))
    report.publish()


def _ratios(costs: Sequence[float], base: Sequence[float]) -> list[float]:
    return [one / its for one, its in zip(costs, base, strict=True)]


def _spread(ratios: Sequence[float]) -> tuple[str, str]:
    if len(ratios) < 2:
        return f"{ratios[0]:.3f}", "-"
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.3f}", f"{low:.3f} to {high:.3f}"


def _publish_instructions(comparison: Comparison, counts: Samples) -> list[str]:
    base, again, other = comparison.subjects
    columns = (
        "request",
        *comparison.subjects,
        comparison.ratio,
        "bar",
        f"{base} / same",
        "counts differ by",
    )
    name = f"{comparison.name}_instructions"
    report = Report(name, columns, title="Instructions of one request: medians", labels=1)
    misses = []
    for what, counted in counts.items():
        medians = {name: statistics.median(each) for name, each in counted.items()}
        ratio, same = (medians[each] / medians[base] for each in (other, again))
        differs = max(max(each) / min(each) - 1 for each in counted.values())
        cells = (f"{median:,.0f}" for median in medians.values())
        bar = f"<= {comparison.bar:.2f}"
        report.add(what, *cells, f"{ratio:.3f}", bar, f"{same:.3f}", f"{differs:.1%}")
        if ratio > comparison.bar:
            misses.append(f"{what}: {ratio:.3f}, above {comparison.bar:.2f}")
    report.publish()
    return misses
