"""``laneway explain``: its options and its help. It asks a running laneway, or files."""

from __future__ import annotations

from typing import Annotated

import typer

from laneway.faces.cli.server_commands import Context, RunningData, running_server
from laneway.faces.cli.text_outputs import TextOutput, TextOutputOption


def explain(
    files: Annotated[
        list[str] | None,
        typer.Option(
            "-f",
            "--file",
            metavar="FILE",
            show_default=False,
            help="Ask what files declare, not a running laneway. May be repeated.",
        ),
    ] = None,
    # So that a shell's `-f examples/*.yaml` works.
    more: Annotated[list[str] | None, typer.Argument(metavar="FILE", hidden=True)] = None,
    host: Annotated[str, typer.Option("--host", help="The request's host.")] = "localhost",
    path: Annotated[str, typer.Option("--path", help="The request's path.")] = "/",
    header: Annotated[
        list[str] | None,
        typer.Option("-H", "--header", metavar="'NAME: VALUE'", help="A header. May be repeated."),
    ] = None,
    method: Annotated[str, typer.Option("--method", help="The request's method.")] = "GET",
    gateway: Annotated[
        str | None,
        typer.Option("--gateway", metavar="NAME", help="Where it enters, if there are several."),
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="The gateway's port.")] = None,
    down: Annotated[
        list[str] | None,
        typer.Option("--down", metavar="WORKLOAD", help="Suppose it is down. May be repeated."),
    ] = None,
    calls: Annotated[
        list[str] | None,
        typer.Option(
            "--calls",
            metavar="SERVICE=SERVICE[:PORT],...",
            help="With -f, or in a cluster: whom a service calls; else read from its Workloads.",
        ),
    ] = None,
    passes_on: Annotated[
        list[str] | None,
        typer.Option(
            "--passes-on",
            metavar="SERVICE=HEADER,...",
            help="With -f, or in a cluster: what it passes on; else its group's trace header.",
        ),
    ] = None,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision",
            metavar="N",
            min=1,
            help="Ask the running laneway as of this revision, as if all workloads were ready.",
        ),
    ] = None,
    output: TextOutputOption = TextOutput.TEXT,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Explain which lane answers a request at each hop. No request is sent.

    Without files it asks the running laneway about its rules and ready workloads; the answer then
    starts with `live:`. With -f nothing needs to run, and all workloads count as ready. In a
    cluster (--context), cart@s1 stands for the pods of service cart in lane s1, the lane's status
    says whether any is ready, and --calls says which services call which.

    Example: laneway explain --path /mock -H 'x-lane: s2'

    Exit codes: 0 explained (also a request that fails), 1 not answered, 2 misused.
    """
    from laneway.faces.cli.explain import Question, run

    question = Question(
        host, path, method, header or [], gateway, port, down or [], calls or [], passes_on or []
    )
    names = [*(files or ()), *(more or ())]
    as_json = output is TextOutput.JSON
    if not names:
        from laneway.faces.cli.live_explain import run as run_live

        server = running_server(data, context)
        raise typer.Exit(run_live(server, question, revision, as_json=as_json))
    if context or revision:
        raise typer.BadParameter("-f asks files: leave out --context and --revision")
    raise typer.Exit(run(names, question, as_json=as_json))
