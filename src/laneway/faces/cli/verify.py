"""``laneway verify``: real requests, and whether they went where the simulator says."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from laneway.faces.cli.failures import Failed
from laneway.faces.cli.process_requests import lane_requests, processes
from laneway.faces.cli.server_requests import LocalServer, Server, request
from laneway.faces.cli.terminals import errors
from laneway.faces.cli.top import print_broken, read
from laneway.faces.cli.verification import (
    Answers,
    Counts,
    Prediction,
    by_service,
    counted_between,
    covers,
    differences,
)
from laneway.faces.cli.verification_reports import Verified, document, print_verified
from laneway.faces.load import Answer, call
from laneway.model.suggestions import suggestion
from laneway.model.trace_contexts import example

_ROOT = "/apis/api.laneway.dev/v1alpha1"
_PERIOD = 0.25
#: Reads of the figures: until nothing was added for some (the server may answer what it has read
#: up to two seconds ago), and at most so many.
_QUIET, _MOST_READS = 12, 60


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sent for each lane; ``lanes`` empty is all."""

    requests: int
    concurrency: int
    lanes: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _Context:
    """Workloads that are not ready, and services whose requests are counted."""

    down: Sequence[str]
    counted: Sequence[str]


def run(server: Server, load: Load, *, as_json: bool) -> int:
    """1 if anything differs from the prediction."""
    if not isinstance(server, LocalServer):
        raise Failed("verify calls the gateway on the machine of the mesh: log in there")
    listed = lane_requests(server)
    chosen = _chosen(listed["items"], load.lanes)
    down = [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in processes(server)
        if each["spec"]["type"] == "Workload" and each["status"]["state"] != "Ready"
    ]
    context = _Context(down, listed["counted"])
    progress = Progress(
        TextColumn("Calling lane {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=errors(),
        transient=True,
        disable=not errors().is_terminal,
    )
    verified = []
    with progress:
        task = progress.add_task("", total=load.requests * len(chosen))
        for asked in chosen:
            progress.update(task, description=asked["lane"] or "(none)")
            one = _verify(server, asked, load, context, lambda: progress.advance(task))
            if one.is_only_surplus:  # somebody else may have called meanwhile
                one = _verify(server, asked, load, context, lambda: None)
            if one.is_only_surplus:
                one = one.without_calls_of_others(_called_by_others(server))
            verified.append(one)
    left_out = [] if load.lanes else listed["unreachable"]
    if as_json:
        print(json.dumps([document(each) for each in verified], indent=2, ensure_ascii=False))
    else:
        print_verified(verified, left_out, down)
        print_broken([each for each in read(server).propagation if each["certainty"]])
    return int(any(each.differences for each in verified))


def observed(
    read: Callable[[], Counts], enough: Callable[[Counts], bool], pause: Callable[[], None]
) -> Counts:
    """What was counted, once it is enough and two reads agree, or nothing is added any more.

    Proxies count a request when it has ended, which may be after the answer has come.
    """
    found, same = read(), 0
    for _ in range(_MOST_READS):
        pause()
        before, found = found, read()
        same = same + 1 if found == before else 0
        if same and (enough(found) or same >= _QUIET):
            break
    return found


def _verify(
    server: Server,
    asked: Mapping[str, Any],
    load: Load,
    context: _Context,
    advance: Callable[[], None],
) -> Verified:
    first = random.getrandbits(48) + 1  # so that no request has the trace id of an earlier one
    headers = [_headers(asked, first + number) for number in range(load.requests)]
    before = _counts(server)
    explained = _explained(server, asked, headers[0], context.down)
    prediction = Prediction.of(explained, context.counted)
    answers = Answers()

    def on_answer(answer: Answer) -> None:
        answers.add(answer.status, answer.body)
        advance()

    url = f"{asked['url']}{asked['path']}"
    asyncio.run(call(url, headers, clients=load.concurrency, on_answer=on_answer))
    counts = observed(
        lambda: counted_between(before, _counts(server)),
        lambda found: covers(found, prediction, load.requests),
        lambda: time.sleep(_PERIOD),
    )
    found = tuple(differences(prediction, counts, answers, asked["propagated"]))
    return Verified(asked, prediction, answers, counts, found)


def _called_by_others(server: Server) -> Collection[str]:
    """The services that are called while this command calls nothing."""
    before = _counts(server)
    time.sleep(_PERIOD * _QUIET)
    return by_service(counted_between(before, _counts(server))).keys()


def _chosen(items: Sequence[Mapping[str, Any]], lanes: Collection[str]) -> list[Mapping[str, Any]]:
    known = [each["lane"] for each in items if each["lane"]]
    for lane in lanes:
        if lane not in known:
            fix = suggestion(lane, known) or "`laneway get lanes` lists them"
            raise Failed(f"there is no lane {lane} that a request can enter by naming it; {fix}")
    if not items:
        raise Failed("no lane can be entered at a gateway here, so there is nothing to call")
    return [each for each in items if not lanes or each["lane"] in lanes]


def _headers(asked: Mapping[str, Any], number: int) -> dict[str, str]:
    name = asked["traceHeader"]
    return {**asked["headers"], **({name: example(name, number)} if name else {})}


def _explained(
    server: Server, asked: Mapping[str, Any], headers: Mapping[str, str], down: Sequence[str]
) -> Mapping[str, Any]:
    others = {name: value for name, value in headers.items() if name.lower() != "host"}
    host = headers.get("Host") or asked["url"].partition("//")[2]
    spec = {
        "request": {"host": host, "path": asked["path"], "headers": others},
        "gateway": asked["gateway"],
        "port": asked["port"],
        "down": list(down),
    }
    document = {"apiVersion": "api.laneway.dev/v1alpha1", "kind": "Explanation", "spec": spec}
    status: Mapping[str, Any] = request(server, "POST", f"{_ROOT}/explanations", document)["status"]
    return status


def _counts(server: Server) -> Counts:
    groups = request(server, "GET", f"{_ROOT}/traffic")["items"]
    figures = [each for group in groups for each in group["status"]["lanes"]]
    return {(f["service"], f["lane"], f["servedLane"]): f["requests"] for f in figures}
