"""The commands about the requests of a running laneway: their options and their help."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from laneway.faces.cli.server_commands import Context, RunningData, running_server


class TrafficFormat(enum.StrEnum):
    TABLE = "table"
    JSON = "json"


FormOption = Annotated[TrafficFormat, typer.Option("-o", "--output", help="table or json.")]


def register(app: typer.Typer) -> None:
    app.command()(verify)


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
    """Send real requests to each lane, and compare their paths with the simulator's prediction.

    Use it after a change, or in a pipeline. It sends GET requests through the gateway, by the rules
    of each lane and once without a lane, and reads which lane served at each service from the
    proxies' own figures: so it works whatever your services answer. A difference is told with its
    reason, for instance a service that does not pass on the trace header.

    Example: laneway verify --lane s2 --requests 50

    Exit codes: 0 all as predicted, 1 a difference (or not answered), 2 misused.
    """
    from laneway.faces.cli.verify import Load, run

    load = Load(requests, concurrency, lanes or [])
    raise typer.Exit(run(running_server(data, context), load, as_json=form is TrafficFormat.JSON))
