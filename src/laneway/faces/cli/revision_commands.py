"""The commands that change all of a running laneway, and its history: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from laneway.faces.cli import name_completion
from laneway.faces.cli.list_formats import Format, FormatOption
from laneway.faces.cli.object_commands import (
    AllNamespaces,
    DryRun,
    Force,
    Message,
    Namespace,
    Seconds,
    Words,
)
from laneway.faces.cli.server_commands import Context, RunningData, running_server


def register(app: typer.Typer) -> None:
    for command in (history, rollback, promote):
        app.command()(command)


def history(
    words: Words = None,
    number: Annotated[
        int | None,
        typer.Option("--revision", metavar="N", min=1, help="Show this one, with its diff."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="The newest N; 0 is all.")
    ] = 20,
    namespace: Namespace = "default",
    everywhere: AllNamespaces = False,
    form: FormatOption = Format.TABLE,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Go on; print new ones.")] = False,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """List revisions: who changed what, when and why.

    Use it to find out what happened, and to choose a revision for diff or rollback.

    Example: laneway history lane s1

    Exit codes: 0 done, 1 no such revision or not answered, 2 misused.
    """
    from laneway.faces.cli.history import Query, run, show
    from laneway.faces.cli.interruption import run_reader

    query = Query.of(words or [], "" if everywhere else namespace, limit, form)
    server = running_server(data, context)
    if number is not None:
        if watch:
            raise typer.BadParameter("--watch: one revision does not change; leave out --revision")
        raise typer.Exit(show(server, number, query))
    raise typer.Exit(run_reader(lambda: run(server, query, watch=watch)))


def rollback(
    revision: Annotated[
        int, typer.Argument(metavar="REVISION", min=1, help="As `laneway history` lists it.")
    ],
    message: Message = "",
    dry_run: DryRun = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Restore all objects to an earlier revision.

    Use it to undo a change; --dry-run shows which objects change and which requests take another
    path.

    Example: laneway rollback 17 --dry-run

    Exit codes: 0 all proxies have it, 1 refused, rejected or late, 2 misused.
    """
    from laneway.faces.cli.rollback import run

    server = running_server(data, context)
    raise typer.Exit(run(server, revision, message, dry_run=dry_run, seconds=seconds))


def promote(
    lane: Annotated[
        str,
        typer.Argument(
            metavar="LANE", help="NAME, or GROUP/NAME.", autocompletion=name_completion.lanes
        ),
    ],
    services: Annotated[
        list[str] | None,
        typer.Option("--service", metavar="NAME", help="Only of this service. May be repeated."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Restore the baselines from before the promotion.")
    ] = False,
    force: Force = False,
    message: Message = "",
    dry_run: DryRun = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Make a lane's versions the baseline of their services.

    Use it when a lane has proved itself. The lane stays, and --undo reverts the promotion. If files
    declare the group, nothing is changed, and the patch to commit is printed. A cluster keeps no
    history, so there --undo returns the services to the baseline of the group.

    Example: laneway promote s2 --dry-run

    Exit codes: 0 all proxies have it, 1 refused, rejected or late, 2 misused.
    """
    from laneway.faces.cli.promote import Promotion, run

    how = Promotion(lane, services or [], undo, force, message, dry_run, seconds)
    raise typer.Exit(run(running_server(data, context), how))
