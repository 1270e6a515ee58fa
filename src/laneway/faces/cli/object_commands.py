"""The commands about the objects of a running laneway: their options and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from laneway.faces.cli import name_completion
from laneway.faces.cli.list_formats import Format, FormatOption
from laneway.faces.cli.server_commands import Context, RunningData, running_server

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RESOURCE [NAME]... | RESOURCE/NAME...",
        show_default=False,
        autocompletion=name_completion.objects,
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--file",
        metavar="FILE",
        show_default=False,
        help="A YAML file, a folder of them, or - for standard input. May be repeated.",
    ),
]
Namespace = Annotated[
    str, typer.Option("-n", "--namespace", metavar="NAME", help="Of Services and Workloads.")
]
FilesNamespace = Annotated[
    str | None,
    typer.Option("-n", "--namespace", metavar="NAME", help="Of objects that name none."),
]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="Of every namespace.")]
Selector = Annotated[
    str, typer.Option("-l", "--selector", metavar="LABELS", help="Those with labels: app=cart.")
]
Seconds = Annotated[
    int,
    typer.Option("--timeout", min=1, max=600, help="Seconds to wait for all proxies to have it."),
]
Manager = Annotated[
    str, typer.Option("--field-manager", metavar="NAME", help="Who owns the fields applied.")
]
Force = Annotated[bool, typer.Option("--force-conflicts", help="Take over fields that others own.")]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="TEXT", help="Why; the history shows it.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]


def register(app: typer.Typer) -> None:
    for command in (get, describe, apply, diff, edit, delete, wait):
        app.command()(command)


def get(
    words: Words = None,
    namespace: Namespace = "default",
    everywhere: AllNamespaces = False,
    selector: Selector = "",
    form: FormatOption = Format.TABLE,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Go on; print changes.")] = False,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """List objects: lanes, lanegroups, services, workloads, gateways, events or all.

    Use it to see what is declared and whether it is Ready.

    Example: laneway get lanes -o wide

    Exit codes: 0 done, 1 not found or not answered, 2 misused.
    """
    from laneway.faces.cli.get import Query, run
    from laneway.faces.cli.interruption import run_reader

    query = Query(words or [], "" if everywhere else namespace, selector, form)
    server = running_server(data, context)
    raise typer.Exit(run_reader(lambda: run(server, query, watch=watch)))


def describe(
    words: Words = None,
    namespace: Namespace = "default",
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Show an object with its conditions, their reasons, and its events.

    Use it when `get` says that something is not Ready.

    Example: laneway describe lane s1

    Exit codes: 0 done, 1 not found or not answered, 2 misused.
    """
    from laneway.faces.cli.describe import run

    raise typer.Exit(run(running_server(data, context), words or [], namespace))


def apply(
    files: Files = None,
    namespace: FilesNamespace = None,
    manager: Manager = "laneway-apply",
    force: Force = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Delete what the field manager applied before and the files lack now.",
        ),
    ] = False,
    message: Message = "",
    dry_run: DryRun = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Apply files as a whole or not at all, and wait until all proxies have them.

    It works like kubectl apply --server-side: setting a field that others own is a conflict. In a
    cluster, all objects are tried first, and then applied one by one.

    Example: laneway apply -f lanes.yaml

    Exit codes: 0 all proxies have it, 1 something was refused, rejected or late, 2 misused.
    """
    from laneway.faces.cli.apply import Application, run

    how = Application(files or [], namespace, manager, force, dry_run, seconds, prune, message)
    raise typer.Exit(run(running_server(data, context), how))


def diff(
    files: Files = None,
    revision: Annotated[
        str | None,
        typer.Option(
            "--revision",
            metavar="A[..B]",
            help="Between two revisions, or since one; 0 is before the first.",
        ),
    ] = None,
    namespace: FilesNamespace = None,
    manager: Manager = "laneway-apply",
    force: Force = False,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Show what `apply` would change, or what changed between revisions.

    Use it before `apply`, in a pipeline to notice that files and mesh differ, and after an incident
    to see what has changed since (laneway diff --revision 17).

    Example: laneway diff -f lanes.yaml

    Exit codes: 0 no difference, 1 differences, 2 misused, refused or not answered.
    """
    from laneway.faces.cli.apply import Application, diff
    from laneway.faces.cli.revision_ranges import RevisionRange
    from laneway.faces.cli.revision_ranges import diff as diff_revisions

    if revision is not None:
        if files:
            raise typer.BadParameter("name either files or revisions")
        wanted = RevisionRange.of(revision)
        raise typer.Exit(diff_revisions(lambda: running_server(data, context), wanted))
    how = Application(files or [], namespace, manager, force)
    raise typer.Exit(diff(lambda: running_server(data, context), how))


def edit(
    words: Words = None,
    namespace: Namespace = "default",
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Edit an object in $KUBE_EDITOR, $EDITOR or vi, and apply it.

    Use it for a quick change to a running mesh; lasting changes belong in a file.

    Example: laneway edit lanegroup test

    Exit codes: 0 applied or unchanged, 1 refused (your text is kept in a file) or stored and
    invalid (what was valid before stays active), 2 misused.
    """
    from laneway.faces.cli.edit import run

    raise typer.Exit(run(running_server(data, context), words or [], namespace, seconds))


def delete(
    words: Words = None,
    files: Files = None,
    namespace: Namespace = "default",
    selector: Selector = "",
    every: Annotated[bool, typer.Option("--all", help="All objects of the resource.")] = False,
    ignore_missing: Annotated[
        bool, typer.Option("--ignore-not-found", help="What is not there is no failure.")
    ] = False,
    dry_run: DryRun = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Delete objects, and wait until no proxy uses them.

    Open requests are answered; later requests of a deleted lane go to the baseline.

    Example: laneway delete lane s2

    Exit codes: 0 gone from all proxies, 1 not found, refused or late, or needed by others (they
    stay active as they were), 2 misused.
    """
    from laneway.faces.cli.delete import Deletion, run

    how = Deletion(
        words or [], files or [], namespace, selector, every, ignore_missing, dry_run, seconds
    )
    raise typer.Exit(run(running_server(data, context), how))


def wait(
    words: Words = None,
    what: Annotated[
        str, typer.Option("--for", metavar="WHAT", help="condition=NAME[=STATUS], or delete.")
    ] = "condition=Ready",
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="DURATION", help="30s, 2m; 0 looks once.")
    ] = "30s",
    namespace: Namespace = "default",
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Wait until objects have a condition, or are gone.

    Use it in scripts, between `apply` and the first request.

    Example: laneway wait lane/s1 --for=condition=Ready --timeout=60s

    Exit codes: 0 all have it, 1 not in time, 2 misused.
    """
    from laneway.faces.cli.wait import run

    raise typer.Exit(run(running_server(data, context), words or [], namespace, what, timeout))
