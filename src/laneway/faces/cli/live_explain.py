"""``laneway explain`` without files: the running laneway's rules, and its workloads' health."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import typer
from rich.text import Text

from laneway.apiserver.virtual_resources import EXPLANATION
from laneway.compile.simulate import Failure, Hop, Outcome, Reason, Request, Why
from laneway.faces.cli import object_requests
from laneway.faces.cli.arguments import headers
from laneway.faces.cli.explain import Question
from laneway.faces.cli.explanations import CALLS_OPTION, WORKLOAD_CALLS, print_outcome
from laneway.faces.cli.process_requests import Process, full_name, processes
from laneway.faces.cli.resource_words import references
from laneway.faces.cli.server_requests import NotServed, Server, ServerError
from laneway.faces.cli.terminals import output
from laneway.faces.cli.virtual_requests import create
from laneway.model.names import ObjectName

Report = Mapping[str, Any]


def run(server: Server, question: Question, revision: int | None, *, as_json: bool) -> int:
    workloads = [] if revision else _workloads(server)
    if workloads is None and (question.calls or question.passes_on):
        # Whom services call is said to the simulator, which then runs here.
        return _in_cluster(server, question, as_json=as_json)
    unready = [full_name(each) for each in workloads or () if each["status"]["state"] != "Ready"]
    spec = {
        "request": {
            "host": question.host,
            "path": question.path,
            "method": question.method.upper(),
            "headers": dict(headers(question.headers)),
        },
        "gateway": question.gateway,
        "port": question.port,
        "down": [*question.down, *unready],
        "revision": revision,
    }
    given = {name: value for name, value in spec.items() if value is not None}
    try:
        report = create(server, EXPLANATION, given)
    except NotServed:
        if revision:
            raise
        return _in_cluster(server, question, as_json=as_json)
    if question.calls or question.passes_on:
        raise typer.BadParameter(
            "--calls and --passes-on are about files and clusters; here `spec.calls` of a Workload "
            "says what it calls"
        )
    if as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return 0
    calls = f"in {WORKLOAD_CALLS}"
    if workloads is None:
        calls = f"with {CALLS_OPTION}"
        _print_live(f"the cluster of {server}, as its operator answers")
    else:
        _print_state(workloads, unready, revision)
    request, outcome = _read(report)
    print_outcome(request, outcome, _with_several_ports(server), calls=calls)
    return 0


def _in_cluster(server: Server, question: Question, *, as_json: bool) -> int:
    from laneway.faces.cli.cluster_explain import explain_in_cluster

    return explain_in_cluster(server, question, as_json=as_json)


def _workloads(server: Server) -> list[Process] | None:
    """None in a cluster."""
    try:
        found = processes(server)
    except NotServed:
        return None
    except ServerError as error:
        if error.code != 404:
            raise
        return []
    return [each for each in found if each["spec"]["type"] == "Workload"]


def _print_state(workloads: Collection[Process], unready: list[str], revision: int | None) -> None:
    if revision:
        state = f"as of revision {revision}, as if all workloads were ready"
    elif unready:
        ready = len(workloads) - len(unready)
        names = ", ".join(ObjectName.of(each).short for each in unready)
        state = f"{ready} of {len(workloads)} workloads are ready, and not {names}"
    else:
        state = f"all {len(workloads)} workloads are ready" if workloads else "no workloads"
    _print_live(state)


def _print_live(state: str) -> None:
    output().print(Text.assemble(("live:", "bold green"), f" {state}"), soft_wrap=True)


def _with_several_ports(server: Server) -> set[ObjectName]:
    (services,) = references(["services"], "")
    try:
        found = object_requests.find(server, services)
    except ServerError as error:
        if error.code != 403:
            raise
        return set()  # whoever may ask about lanes need not see all services of a cluster
    return {
        ObjectName(each["metadata"]["namespace"], each["metadata"]["name"])
        for each in found
        if len(each["spec"]["ports"]) > 1
    }


def _read(report: Report) -> tuple[Request, Outcome]:
    """The answer as the simulator gave it."""
    asked, failure = report["request"], report["failure"]
    return (
        Request(asked["host"], asked["path"], asked["method"], asked["headers"]),
        Outcome(
            tuple(map(_hop, report["hops"])),
            failure and Failure(**failure),
            tuple(map(ObjectName.of, report["unknownCalls"])),
        ),
    )


def _hop(hop: Mapping[str, Any]) -> Hop:
    return Hop(
        ObjectName.of(hop["caller"]) if hop["caller"] else None,
        ObjectName.of(hop["service"]),
        hop["port"],
        hop["intendedLane"],
        hop["servedLane"],
        tuple(map(ObjectName.of, hop["workloads"])),
        tuple(Reason(Why(each["why"]), each["text"]) for each in hop["reasons"]),
    )
