"""What ``laneway verify`` found, as a table with its differences, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from laneway.faces.cli.output_formats import print_rows
from laneway.faces.cli.terminals import errors, fact, output
from laneway.faces.cli.verification import Answers, Counts, Difference, Prediction, by_service
from laneway.model.names import ObjectName


@dataclass(frozen=True, slots=True)
class Verified:
    """``asked`` is the request as the API lists it."""

    asked: Mapping[str, Any]
    prediction: Prediction
    answers: Answers
    counts: Counts
    differences: Sequence[Difference]

    @property
    def lane(self) -> str:
        return str(self.asked["lane"])


def document(verified: Verified) -> dict[str, Any]:
    wanted = verified.prediction.counts(verified.answers.statuses.total())
    seen = by_service(verified.counts)
    return {
        "group": verified.asked["group"],
        "lane": verified.lane or None,
        "request": {name: verified.asked[name] for name in ("url", "path", "headers")},
        "answers": {str(status): n for status, n in sorted(verified.answers.statuses.items())},
        "services": [
            {
                "service": service,
                "predicted": dict(wanted.get(service, {})),
                "seen": dict(seen.get(service, {})),
            }
            for service in dict.fromkeys([*wanted, *seen])
        ],
        "differences": [
            {"service": each.service or None, "message": each.text} for each in verified.differences
        ],
    }


def print_verified(
    verified: Sequence[Verified], left_out: Sequence[Mapping[str, Any]], down: Sequence[str]
) -> None:
    """``left_out`` are lanes that were not called, ``down`` workloads that are not ready."""
    console = output()
    columns, rows = _table(verified)
    if _width(columns, rows) > console.width:
        columns, rows = _list(verified)
    print_rows(columns, rows)
    for each in verified:
        for difference in each.differences:
            subject = f"{_short(difference.service)} " if difference.service else ""
            text = f"lane {_named(each)}: {subject}{difference.text}"
            console.print(fact("differs:", "bold red", text), soft_wrap=True)
    for note in _notes(verified, left_out, down):
        errors().print(fact("note:", "yellow", note), soft_wrap=True)
    if not any(each.differences for each in verified):
        number = sum(each.answers.statuses.total() for each in verified)
        text = f"all {number} requests went where the simulator says"
        console.print(fact("as predicted:", "bold green", text), soft_wrap=True)


def _table(verified: Sequence[Verified]) -> tuple[list[str], list[list[str]]]:
    """Lanes down, services across."""
    services = list(dict.fromkeys(name for each in verified for name in _services(each)))
    several = len({each.asked["group"] for each in verified}) > 1
    rows = [
        [
            *([each.asked["group"]] if several else []),
            _named(each),
            _answers(each.answers),
            *(_cell(each, service) for service in services),
        ]
        for each in verified
    ]
    return [*(["Group"] if several else []), "Lane", "Answers", *map(_short, services)], rows


def _list(verified: Sequence[Verified]) -> tuple[list[str], list[list[str]]]:
    """The same with a line for each service, for terminals that are narrow."""
    rows = []
    for each in verified:
        rows.append([_named(each), "(answers)", _answers(each.answers)])
        rows += [[_named(each), _short(name), _cell(each, name)] for name in _services(each)]
    return ["Lane", "Service", "Served by"], rows


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    return sum(widths) + 3 * (len(widths) - 1)


def _notes(
    verified: Sequence[Verified], left_out: Sequence[Mapping[str, Any]], down: Sequence[str]
) -> Iterator[str]:
    for name in down:
        yield f"workload {_short(name)} is not ready, and taken to be down"
    unknown = sorted({name for each in verified for name in each.prediction.unknown})
    if unknown:
        whose = ", ".join(map(_short, unknown))
        yield (
            f"the calls of {whose} are not known, and what follows was not compared; "
            "list them in spec.calls of the Workload"
        )
    if weighted := [_named(each) for each in verified if each.prediction.weighted]:
        yield f"weights choose lanes for {', '.join(weighted)}: only the numbers were compared"
    for lane in left_out:
        yield (
            f"lane {lane['lane']} of group {lane['group']} was not called: it has no rule with a "
            "path that can be written down"
        )


def _services(verified: Verified) -> list[str]:
    hops = [hop.service for hop in verified.prediction.hops]
    return list(dict.fromkeys([*hops, *by_service(verified.counts)]))


def _answers(answers: Answers) -> str:
    statuses = sorted(answers.statuses.items())
    return " ".join(f"{n}x{status or 'none'}" for status, n in statuses)


def _cell(verified: Verified, service: str) -> str:
    """The lanes that answered, with numbers where there are several; ! marks what differs."""
    seen = by_service(verified.counts).get(service, Counter())
    several = len(seen) > 1
    lanes = [f"{lane or 'none'}{f' ({n})' if several else ''}" for lane, n in sorted(seen.items())]
    differs = any(each.service == service for each in verified.differences)
    return f"{', '.join(lanes) or '-'}{' !' if differs else ''}"


def _named(verified: Verified) -> str:
    return verified.lane or "(none)"


def _short(name: str) -> str:
    return ObjectName.of(name).short
