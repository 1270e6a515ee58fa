"""``laneway top``: the requests of lanes, as rates between two readings of the API's figures, and
the workloads whose calls leave their lane."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console

from laneway.faces.cli.output_formats import print_rows
from laneway.faces.cli.server_requests import Server, request
from laneway.faces.cli.terminals import errors, fact, output
from laneway.model.names import ObjectName

_TRAFFIC = "/apis/api.laneway.dev/v1alpha1/traffic"
#: Of one workload: an element of ``status.propagation``, with its group.
Propagation = Mapping[str, Any]
#: Sets of columns, the widest first: the first that fits the terminal is shown.
_COLUMNS = (
    ("LANE", "SERVED BY", "SERVICE", "REQ/S", "ERR/S", "REQUESTS", "P50", "P90", "P99"),
    ("LANE", "SERVED BY", "SERVICE", "REQ/S", "ERR/S", "P50", "P99"),
    ("LANE", "SERVED BY", "SERVICE", "REQ/S", "ERR/S"),
    ("LANE", "SERVED BY", "SERVICE", "REQ/S"),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """Of one lane at one service. ``requests`` and the latencies (milliseconds, by percentile) are
    since the laneway started, and None where it does not know them."""

    group: str
    lane: str
    served: str
    service: str
    per_second: float
    errors_per_second: float | None
    requests: int
    latency: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """ "" is every lane, or service. A lane is that which is meant, or which serves."""

    lane: str = ""
    service: str = ""

    def takes(self, rate: Rate) -> bool:
        if self.lane and self.lane not in (rate.lane, rate.served):
            return False
        return self._is_of([rate.service])

    def concerns(self, propagation: Propagation) -> bool:
        """A workload without a lane of its own serves every lane."""
        of_lane = not self.lane or propagation["lane"] in (self.lane, "")
        return of_lane and self._is_of(propagation["services"])

    def _is_of(self, services: Collection[str]) -> bool:
        short = [each.rpartition("/")[2] for each in services]
        return not self.service or self.service in (*services, *short)


@dataclass(frozen=True, slots=True)
class Reading:
    """``at`` is in seconds; ``figures`` are by group, service, lane and served lane."""

    at: float
    figures: Mapping[tuple[str, str, str, str], Mapping[str, Any]]
    propagation: Sequence[Propagation] = ()


def read(server: Server, clock: Callable[[], float] = time.monotonic) -> Reading:
    """Raises ``ServerError``."""
    groups = request(server, "GET", _TRAFFIC)["items"]
    figures = {
        (group["metadata"]["name"], f["service"], f["lane"], f["servedLane"]): f
        for group in groups
        for f in group["status"]["lanes"]
    }
    propagation = [
        {"group": group["metadata"]["name"], **each}
        for group in groups
        for each in group["status"].get("propagation", ())
    ]
    return Reading(clock(), figures, propagation)


def rates(before: Reading, after: Reading) -> list[Rate]:
    """The busiest first. A proxy that started anew counts from zero: its rate is not negative."""
    seconds = max(after.at - before.at, 0.001)
    found = []
    for key, figures in after.figures.items():
        group, service, lane, served = key
        earlier = before.figures.get(key, {})

        def per_second(name: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> float:
            return float(round(max(now[name] - then.get(name, 0), 0) / seconds, 2))

        found.append(
            Rate(
                group,
                lane,
                "" if served == "-" else served,
                service,
                per_second("requests", figures, earlier),
                per_second("errors", figures, earlier) if "errors" in figures else None,
                figures["requests"],
                figures.get("latencyMilliseconds", {}),
            )
        )
    return sorted(found, key=lambda r: (-r.per_second, r.group, r.lane, r.service, r.served))


def run(
    server: Server, selection: Selection, interval: float, *, watch: bool, as_json: bool
) -> int:
    """Once, or until it is interrupted. Raises ``ServerError``."""
    before = read(server)
    while True:
        time.sleep(interval)
        after = read(server)
        found = [each for each in rates(before, after) if selection.takes(each)]
        propagation = [each for each in after.propagation if selection.concerns(each)]
        seconds = round(after.at - before.at, 3)
        if as_json:
            document = {
                "seconds": seconds,
                "lanes": [asdict(each) for each in found],
                "propagation": propagation,
            }
            print(json.dumps(document, indent=None if watch else 2), flush=True)
        else:
            _print(
                output(), found, [each for each in propagation if each["certainty"]], watch=watch
            )
        if not watch:
            return 0
        before = after


def _print(
    console: Console, found: Sequence[Rate], broken: Sequence[Propagation], *, watch: bool
) -> None:
    rows = found
    if watch and console.is_terminal:
        console.clear()
        told = sum(cell_len(each["message"]) // console.width + 2 for each in broken)
        rows = found[: max(console.height - 3 - told, 1)]
    if not rows:
        errors().print("No requests to services of lane groups yet.")
        return
    cells = [_cells(each) for each in rows]
    columns = next(filter(lambda c: _width(c, cells) <= console.width, _COLUMNS), _COLUMNS[-1])
    print_rows(columns, [[row[column] for column in columns] for row in cells])
    if len(rows) < len(found):
        console.print(f"and {len(found) - len(rows)} more")
    print_broken(broken)
    if watch and not console.is_terminal and len(rows) == len(found):
        console.print()


def print_broken(broken: Sequence[Propagation]) -> None:
    """The workloads whose calls leave their lane, a line each."""
    for each in broken:
        certain = each["certainty"] == "Certain"
        label, style = ("leaves its lane:", "bold red") if certain else ("suspected:", "yellow")
        output().print(fact(label, style, f"{_short(each)}: {each['message']}"), soft_wrap=True)


def _short(propagation: Propagation) -> str:
    return ", ".join(ObjectName.of(each).short for each in propagation["services"])


def _cells(rate: Rate) -> dict[str, str]:
    return {
        "LANE": rate.lane or "(none)",
        "SERVED BY": rate.served or "nobody",
        "SERVICE": ObjectName.of(rate.service).short,
        "REQ/S": f"{rate.per_second:.1f}",
        "ERR/S": "-" if rate.errors_per_second is None else f"{rate.errors_per_second:.1f}",
        "REQUESTS": str(rate.requests),
        **{name.upper(): text for name, text in _latencies(rate)},
    }


def _latencies(rate: Rate) -> Iterator[tuple[str, str]]:
    for name in ("p50", "p90", "p99"):
        value = rate.latency.get(name)
        yield name, "-" if value is None else f"{value:.1f} ms"


def _width(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> int:
    widths = [max(cell_len(each) for each in (c, *(row[c] for row in rows))) for c in columns]
    return sum(widths) + 3 * (len(columns) - 1)
