"""``laneway explain``: the simulator's answer as a table, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from laneway.compile.lower import lower
from laneway.compile.simulate import (
    Applications,
    Call,
    Hop,
    Outcome,
    Request,
    Why,
    infer,
    simulate,
)
from laneway.compile.simulate.applications import resolve
from laneway.faces.cli.inputs import headers, object_name, read_mesh
from laneway.faces.cli.terminals import errors, fact, listing, output
from laneway.model.meshes import Mesh
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_header
from laneway.model.suggestions import suggestion


@dataclass(frozen=True, slots=True)
class Question:
    """The options, as they were typed."""

    host: str
    path: str
    method: str
    headers: Sequence[str]
    gateway: str | None
    port: int | None
    down: Sequence[str]
    calls: Sequence[str]
    passes_on: Sequence[str]


def run(files: Sequence[str], question: Question, *, as_json: bool) -> int:
    request = Request(
        question.host, question.path, question.method.upper(), headers(question.headers)
    )
    mesh = read_mesh(files)
    down = {object_name(word, mesh.workloads_by_name, "workload") for word in question.down}
    gateway = None
    if question.gateway is not None:
        gateway = object_name(question.gateway, mesh.gateways_by_name, "gateway")
    applications = _applications(mesh, question)
    try:
        outcome = simulate(
            mesh,
            lower(mesh),
            request,
            gateway=gateway,
            port=question.port,
            applications=applications,
            ready=[w.name for w in mesh.workloads if w.name not in down],
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print(json.dumps(_document(request, outcome), indent=2, ensure_ascii=False))
    else:
        _print(mesh, request, outcome)
    return 0


def _applications(mesh: Mesh, question: Question) -> Applications:
    inferred = infer(mesh)
    calls: dict[ObjectName, tuple[Call, ...]] = {}
    for service, words in _assignments(mesh, question.calls):
        calls[service] = tuple(_call(mesh, word, service.namespace) for word in words)
    passes_on: dict[ObjectName, frozenset[str]] = {}
    for service, words in _assignments(mesh, question.passes_on):
        for word in words:
            if not is_header(word):
                raise typer.BadParameter(f"{word!r} is not a legal header name")
        passes_on[service] = frozenset(words)
    return replace(
        inferred,
        calls={**inferred.calls, **calls},
        passes_on={**inferred.passes_on, **passes_on},
    )


def _assignments(mesh: Mesh, words: Sequence[str]) -> list[tuple[ObjectName, list[str]]]:
    """``SERVICE=A,B``; nothing after the ``=`` says that there is none."""
    assignments = []
    for word in words:
        service, sign, values = word.partition("=")
        if not sign:
            raise typer.BadParameter(f"{word!r} has no '='; write SERVICE=...")
        name = object_name(service.strip(), mesh.services_by_name, "service")
        assignments.append((name, [v.strip() for v in values.split(",") if v.strip()]))
    return assignments


def _call(mesh: Mesh, word: str, namespace: str) -> Call:
    host, _, number = word.partition(":")
    if "/" in host:
        name = object_name(host, mesh.services_by_name, "service")
    else:
        name = resolve(host, namespace)
    service = mesh.services_by_name.get(name)
    if service is None:
        known = [str(known) for known in mesh.services_by_name]
        raise typer.BadParameter(f"there is no service {name}; {suggestion(str(name), known)}")
    if number and not number.isdigit():
        raise typer.BadParameter(f"{word!r}: {number!r} is not a port")
    return Call(name, int(number) if number else service.ports[0].port)


def _print(mesh: Mesh, request: Request, outcome: Outcome) -> None:
    console = output()
    console.print(_request_line(request))
    console.print()
    if outcome.hops:
        table = listing("", "Service", "Lane", "Answered by", "Why")
        table.columns[1].no_wrap = table.columns[2].no_wrap = True
        for number, hop in enumerate(outcome.hops, 1):
            table.add_row(str(number), _service(mesh, hop), _lane(hop), _workloads(hop), _why(hop))
        console.print(table)
        console.print()
    if outcome.failure is None:
        console.print(fact("->", "bold green", _summary(outcome)), soft_wrap=True)
    else:
        status = f"{outcome.failure.status} " if outcome.failure.status else ""
        console.print(fact("->", "bold red", f"{status}{outcome.failure.message}"), soft_wrap=True)
    if any(reason.why is Why.WEIGHT for hop in outcome.hops for reason in hop.reasons):
        errors().print(
            "This is one path of several: name a lane in the route header to see its own."
        )


def _request_line(request: Request) -> Text:
    line = Text.assemble((f"{request.method} {request.host}{request.path}", "bold"))
    for name, value in request.headers.items():
        line.append(f"  {name}: {value}", "cyan")
    return line


def _summary(outcome: Outcome) -> str:
    """``mocka-v2, mockb-v1, mockc-v2``: who answers, hop by hop."""
    return ", ".join(_names(hop) for hop in outcome.hops)


def _service(mesh: Mesh, hop: Hop) -> Text:
    several = len(mesh.services_by_name[hop.service].ports) > 1
    return Text(f"{_short(hop.service)}{f':{hop.port}' if several else ''}", "bold")


def _lane(hop: Hop) -> Text:
    """The lane that answers, and where another was meant, that one too."""
    if hop.intended == hop.served:
        return Text(hop.served or "-", "green" if hop.served else "dim")
    wanted = f"{hop.intended} -> " if hop.intended else ""
    return Text.assemble(
        (wanted, "yellow"), (hop.served or "none", "yellow" if hop.served else "red")
    )


def _workloads(hop: Hop) -> Text:
    if not hop.workloads:
        return Text("nobody", "red")
    shown = "\n".join(_short(workload) for workload in hop.workloads[:5])
    more = f"\n{len(hop.workloads) - 5} more" if len(hop.workloads) > 5 else ""
    return Text(f"{shown}{more}")


def _why(hop: Hop) -> Table:
    """A grid, so that what does not fit on a line goes on under its own text."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for reason in hop.reasons:
        grid.add_row(Text("-", "dim"), Text(reason.text))
    return grid


def _names(hop: Hop) -> str:
    names = [_short(workload) for workload in hop.workloads]
    return names[0] if len(names) == 1 else f"one of {len(names)} of {_short(hop.service)}"


def _short(name: ObjectName) -> str:
    return name.name if name.namespace == DEFAULT_NAMESPACE else str(name)


def _document(request: Request, outcome: Outcome) -> Mapping[str, Any]:
    failure = outcome.failure
    return {
        "request": {
            "host": request.host,
            "path": request.path,
            "method": request.method,
            "headers": dict(request.headers),
        },
        "hops": [
            {
                "caller": str(hop.caller) if hop.caller else None,
                "service": str(hop.service),
                "port": hop.port,
                "intendedLane": hop.intended,
                "servedLane": hop.served,
                "workloads": [str(workload) for workload in hop.workloads],
                "reasons": [{"why": r.why.value, "text": r.text} for r in hop.reasons],
            }
            for hop in outcome.hops
        ],
        "failure": failure and {"message": failure.message, "status": failure.status},
    }
