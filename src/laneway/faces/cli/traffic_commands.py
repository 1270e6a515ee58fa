"""The commands about the requests of a running laneway: their options and their help."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from laneway.faces.cli.server_commands import Context, RunningData, running_server


class TrafficFormat(enum.StrEnum):
    TABLE = "table"
    JSON = "json"


OfLane = Annotated[
    str, typer.Option("--lane", metavar="LANE", help="Requests of this lane, or served by it.")
]
ToService = Annotated[
    str, typer.Option("--service", metavar="SERVICE", help="Requests to this service.")
]
FormOption = Annotated[TrafficFormat, typer.Option("-o", "--output", help="table or json.")]


def register(app: typer.Typer) -> None:
    for command in (verify, top, tap):
        app.command()(command)


def verify(
    lanes: Annotated[
        list[str] | None,
        typer.Option("--lane", metavar="LANE", help="Only this lane. May be repeated."),
    ] = None,
    requests: Annotated[
        int, typer.Option("--requests", min=1, max=1000, help="How many for each lane.")
    ] = 10,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=16, help="How many at a time.")
    ] = 2,
    form: FormOption = TrafficFormat.TABLE,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Send real requests to each lane, and compare their paths with the prediction.

    Use it after a change, or in a pipeline. It sends GET requests through the gateway, by the rules
    of each lane and once without a lane, and reads which lane served at each service from the
    proxies' own figures: so it works whatever your services answer. A difference is printed with
    its reason, for instance a service that does not pass on the trace header.

    Example: laneway verify --lane s2 --requests 50

    Exit codes: 0 all as predicted, 1 a difference (or not answered), 2 misused.
    """
    from laneway.faces.cli.verify import Load, run

    load = Load(requests, concurrency, lanes or [])
    raise typer.Exit(run(running_server(data, context), load, as_json=form is TrafficFormat.JSON))


def top(
    lane: OfLane = "",
    service: ToService = "",
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Go on until Ctrl-C.")] = False,
    interval: Annotated[
        float,
        typer.Option("--interval", min=0.1, max=3600, help="Seconds between two readings."),
    ] = 3.0,
    form: FormOption = TrafficFormat.TABLE,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Show the traffic of lanes: rates, fallbacks, errors and latency.

    Use it to see which lanes are used now, which fall back, and which fail. Lane ? stands for lanes
    without a version of the service. ERR/S counts failures of proxies and servers; latencies and
    REQUESTS are totals since the start. Columns that do not fit the terminal are left out; -o json
    has all.

    Services that lose the lane of their requests are listed below the table: they received requests
    of lanes and made calls without the header that keeps a request in its lane.

    Example: laneway top --watch --lane s2

    Exit codes: 0 done, 1 not answered, 2 misused, 130 after Ctrl-C.
    """
    from laneway.faces.cli.interruption import run_reader
    from laneway.faces.cli.top import Selection, run

    server, selection = running_server(data, context), Selection(lane, service)
    as_json = form is TrafficFormat.JSON
    raise typer.Exit(
        run_reader(lambda: run(server, selection, interval, watch=watch, as_json=as_json))
    )


def _known_status(texts: list[str] | None) -> list[str]:
    from laneway.apiserver.access_log_entries import STATUS

    for text in texts or []:
        if not STATUS.fullmatch(text):
            raise typer.BadParameter(f"`{text}` is no status: write 404, 5xx, or 0 for no answer")
    return texts or []


def _header_conditions(texts: list[str]) -> list[tuple[str, str]]:
    """Names in lower case with values, which are empty for any. Raises ``BadParameter``."""
    from laneway.model.names import is_header

    pairs = [(name.strip(), value.strip()) for name, _, value in (t.partition(":") for t in texts)]
    for text, (name, _) in zip(texts, pairs, strict=True):
        if not is_header(name):
            raise typer.BadParameter(f"-H: `{text}` is not a header: write NAME or 'NAME: VALUE'")
    return [(name.lower(), value) for name, value in pairs]


def tap(
    lane: OfLane = "",
    service: ToService = "",
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            callback=_known_status,
            help="Answers with this status: 404, 5xx, or 0 for none. May be repeated.",
        ),
    ] = None,
    path: Annotated[
        str, typer.Option("--path", metavar="PREFIX", help="Paths that begin so.")
    ] = "",
    headers: Annotated[
        list[str] | None,
        typer.Option(
            "-H",
            "--header",
            metavar="'NAME: VALUE'",
            help="Requests with this header; without a value, with any. May be repeated.",
        ),
    ] = None,
    form: FormOption = TrafficFormat.TABLE,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Show requests as they end, at every hop, with their lanes.

    Use it to follow a request of a lane. It reads access logs: start laneway with --access-log.
    Access logs contain no bodies, and no headers except those that --log-header names. Values of
    query parameters, and anything that looks like a token, are not shown: they may be secrets.

    Example: laneway tap --lane s2 --status 5xx

    Exit codes: 0 the laneway ended, 1 not answered, 2 misused, 130 after Ctrl-C.
    """
    from laneway.apiserver.access_log_entries import Selection
    from laneway.faces.cli.interruption import run_reader
    from laneway.faces.cli.tap import run

    wanted = _header_conditions(headers or [])
    selection = Selection(lane, service, status or [], path, wanted)
    server = running_server(data, context)
    as_json = form is TrafficFormat.JSON
    raise typer.Exit(run_reader(lambda: run(server, selection, as_json=as_json)))
