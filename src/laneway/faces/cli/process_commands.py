"""The commands about the processes of a running laneway: their options and their help."""

from __future__ import annotations

import enum
import re
from typing import Annotated

import typer

from laneway.faces.cli import name_completion
from laneway.faces.cli.list_formats import Format, FormatOption
from laneway.faces.cli.server_commands import Context, RunningData, running_server

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...",
        help="Workloads, or proxies by their node ids.",
        autocompletion=name_completion.workloads,
    ),
]
Workloads = Annotated[
    list[str],
    typer.Argument(metavar="WORKLOAD...", autocompletion=name_completion.workloads),
]
Watch = Annotated[bool, typer.Option("-w", "--watch", help="Go on; print changes.")]
Seconds = Annotated[
    float,
    typer.Option("--timeout", min=0, max=86_400, help="Seconds that it may take to become ready."),
]


def register(app: typer.Typer) -> None:
    for command in (ps, logs, restart, stop, start):
        app.command()(command)
    app.command("proxy-status")(proxy_status)
    app.command("proxy-config")(proxy_config)
    app.command("exec")(execute)


def ps(
    form: FormatOption = Format.TABLE,
    workloads: Annotated[bool, typer.Option("--workloads", help="Only workloads.")] = False,
    proxies: Annotated[bool, typer.Option("--proxies", help="Only proxies.")] = False,
    watch: Watch = False,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """List workloads and proxies with their state, memory and ports.

    Use it to see what runs on this machine, and what is not ready (-o wide says why).

    Example: laneway ps -o wide

    Exit codes: 0 done, 1 not answered, 2 misused.
    """
    from laneway.faces.cli.interruption import run_reader
    from laneway.faces.cli.ps import run

    server = running_server(data, context)
    raise typer.Exit(
        run_reader(lambda: run(server, form, workloads=workloads, proxies=proxies, watch=watch))
    )


def proxy_status(
    form: FormatOption = Format.TABLE,
    watch: Watch = False,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Show whether each proxy has acknowledged its configuration.

    SYNCED: everything is acknowledged. STALE: sent and not acknowledged yet. REJECTED: the reason
    is below.

    Example: laneway proxy-status

    Exit codes: 0 all are synced, 1 one is not (or not answered), 2 misused.
    """
    from laneway.faces.cli.interruption import run_reader
    from laneway.faces.cli.ps import proxy_status

    server = running_server(data, context)
    raise typer.Exit(run_reader(lambda: proxy_status(server, form, watch=watch)))


class Part(enum.StrEnum):
    CLUSTERS = "clusters"
    LISTENERS = "listeners"
    ROUTES = "routes"
    ENDPOINTS = "endpoints"


def proxy_config(
    part: Annotated[Part, typer.Argument(help="Which part of the configuration.")],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A proxy's node id, a workload, or a gateway.")
    ],
    form: FormatOption = Format.TABLE,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Show the configuration of a proxy, as its Envoy reports it.

    Use it when proxy-status says SYNCED and requests still take another path than expected.

    Example: laneway proxy-config endpoints mocka-v2

    Exit codes: 0 done, 1 not found or not answered, 2 misused.
    """
    from laneway.faces.cli.proxy_configurations import run

    raise typer.Exit(run(running_server(data, context), part.value, name, form))


def logs(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Workloads or proxies; default: all workloads."),
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
    lane: Annotated[
        str,
        typer.Option(
            "--lane",
            metavar="LANE",
            help="Of the workloads of this lane; with --access, requests of this lane.",
        ),
    ] = "",
    access: Annotated[
        bool, typer.Option("--access", help="The access logs of proxies; default: all proxies.")
    ] = False,
    tail: Annotated[
        str, typer.Option("--tail", metavar="N", help="The last lines of each log, or all.")
    ] = "all",
    prefix: Annotated[
        bool, typer.Option("--prefix/--no-prefix", help="Whose line it is, if of several.")
    ] = True,
    colour: Annotated[
        bool, typer.Option("--color/--no-color", help="Colour the prefixes on a terminal.")
    ] = True,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Print the output of workloads and proxies, or the access logs of proxies.

    Use it to see why a workload is not ready, and which requests a lane has received.

    Example: laneway logs -f --lane s2

    Exit codes: 0 done, 1 not found or not answered, 2 misused, 130 after Ctrl-C.
    """
    import os
    import sys

    from laneway.faces.cli.interruption import run_reader
    from laneway.faces.cli.logs import Selection, run

    if not re.fullmatch(r"all|\d{1,9}", tail):
        raise typer.BadParameter(f"--tail: `{tail}` is neither a number nor all")
    selection = Selection(names or [], lane, access, None if tail == "all" else int(tail))
    colour = colour and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    server = running_server(data, context)
    raise typer.Exit(
        run_reader(lambda: run(server, selection, follow=follow, prefix=prefix, colour=colour))
    )


def restart(
    names: Names, seconds: Seconds = 60, data: RunningData = None, context: Context = None
) -> None:
    """Restart workloads and proxies, without costing a request.

    A workload's new process becomes ready before the old one stops; a proxy hands its sockets over.

    Example: laneway restart mocka-v2

    Exit codes: 0 all are ready again, 1 one is not found, not ready or not ours, 2 misused.
    """
    from laneway.faces.cli.lifecycles import run

    raise typer.Exit(run(running_server(data, context), "restart", names, seconds))


def stop(names: Workloads, data: RunningData = None, context: Context = None) -> None:
    """Stop workloads, once their open requests are answered.

    Use it to see how a lane falls back. `start`, or a change of the workload, starts it again.

    Example: laneway stop mocka-v2

    Exit codes: 0 stopped, 1 one is not found or not ours, 2 misused.
    """
    from laneway.faces.cli.lifecycles import run

    raise typer.Exit(run(running_server(data, context), "stop", names, 0))


def start(
    names: Workloads, seconds: Seconds = 60, data: RunningData = None, context: Context = None
) -> None:
    """Start workloads that were stopped, and wait until they are ready.

    Example: laneway start mocka-v2

    Exit codes: 0 all are ready, 1 one is not found, not ready or not ours, 2 misused.
    """
    from laneway.faces.cli.lifecycles import run

    raise typer.Exit(run(running_server(data, context), "start", names, seconds))


def execute(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD")],
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...")],
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Run a command with the environment of a workload.

    Use it to call other services as the workload would.

    Example: laneway exec mocka-v2 -- curl -s http://mockb:8000/

    Exit codes: those of the command; 126 and 127 if it cannot be run, 1 if there is no such
    workload, 2 misused.
    """
    from laneway.faces.cli.lifecycles import execute

    raise typer.Exit(execute(running_server(data, context), workload, command))
