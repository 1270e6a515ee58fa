"""``laneway explain``: a question in words, asked of the simulator about what files declare."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import typer

from laneway.compile.lower import lower
from laneway.compile.simulate import (
    Applications,
    Call,
    InactiveLanes,
    Outcome,
    Request,
    inactive_lanes,
    infer,
    simulate,
)
from laneway.compile.simulate.applications import resolve
from laneway.faces.cli.arguments import headers, object_name, read_declared
from laneway.faces.cli.explanations import print_outcome
from laneway.model.lane_lives import active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName, is_header
from laneway.model.suggestions import suggestion
from laneway.schema.reports import ExplanationReport
from laneway.wiring.lane_expiry import utc_now


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
    declared, now = read_declared(files), utc_now()
    mesh = active(declared, now)
    request, outcome = answered(question, mesh, inactive_lanes(declared, now))
    if as_json:
        print_report(request, outcome)
    else:
        several = {each.name for each in mesh.services if len(each.ports) > 1}
        print_outcome(request, outcome, several)
    return 0


def answered(
    question: Question,
    mesh: Mesh,
    inactive: InactiveLanes,
    unready: Collection[ObjectName] = (),
) -> tuple[Request, Outcome]:
    """``unready`` workloads are down besides those of the question. Raises
    ``typer.BadParameter``."""
    request = Request(
        question.host, question.path, _method(question.method), headers(question.headers)
    )
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
            ready=[w.name for w in mesh.workloads if w.name not in {*down, *unready}],
            inactive=inactive,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return request, outcome


def print_report(request: Request, outcome: Outcome) -> None:
    report = ExplanationReport.made_of(request, outcome).as_json()
    print(json.dumps(report, indent=2, ensure_ascii=False))


def _method(word: str) -> str:
    if not is_header(word):  # a method is a token, as a header's name is (RFC 9110 section 9.1)
        raise typer.BadParameter(f"--method: `{word}` is not an HTTP method, such as GET or POST")
    return word.upper()


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
        unknown=inferred.unknown - calls.keys(),
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
