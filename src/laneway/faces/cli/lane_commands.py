"""``laneway lane``: the commands about one lane as a whole; their options and their help."""

from __future__ import annotations

from typing import Annotated

import typer

from laneway.faces.cli import name_completion
from laneway.faces.cli.object_commands import DryRun, Force, Seconds
from laneway.faces.cli.server_commands import Context, RunningData, running_server

lanes = typer.Typer(
    help="Create, enable, disable, extend and delete lanes.",
    no_args_is_help=True,
)
Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The lane.", autocompletion=name_completion.lanes),
]


@lanes.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The lane to create.")],
    services: Annotated[
        list[str],
        typer.Option(
            "--service",
            metavar="NAME=COMMAND|HOST:PORT",
            help="A service's version in the lane: a command to start here, or the address of one "
            "that runs. May be repeated.",
        ),
    ],
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            help="The lane group, if there are several.",
            autocompletion=name_completion.groups,
        ),
    ] = None,
    ttl: Annotated[
        str | None,
        typer.Option("--ttl", metavar="DURATION", help="When it expires: 12h, 3d, 2w."),
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="NAME=VALUE", help="A variable of the commands. May be repeated."
        ),
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Whom to ask about it; default: you.")
    ] = None,
    dry_run: DryRun = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Create a lane with versions of some services, and print a request that enters it.

    Use it to try a change beside the running versions. Versions get the ports of the baseline's
    workload, and commands also its environment. Commands run in this folder.

    Example: laneway lane create fix-123 --service cart='node cart.js' --ttl 3d

    Exit codes: 0 it is ready, 1 it is refused or not ready in time, 2 misused.
    """
    import os

    from laneway.faces.cli.lane_changes import create_lane
    from laneway.faces.cli.new_lanes import NewLane, Version, lifetime, variables
    from laneway.faces.cli.tokens import user_name

    new = NewLane(
        name,
        [Version.of(each) for each in services],
        os.getcwd(),
        group,
        lifetime(ttl) if ttl else None,
        user_name() if owner is None else owner,
        variables(environment or []),
    )
    server = running_server(data, context)
    raise typer.Exit(create_lane(server, new, dry_run=dry_run, seconds=seconds))


@lanes.command("delete")
def delete(
    name: Name,
    dry_run: DryRun = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Delete a lane that `lane create` made, with its workloads.

    Use it when you are done. Requests that name the lane then go to the baseline.

    Example: laneway lane delete fix-123

    Exit codes: 0 gone from all proxies, 1 not found, refused or late, 2 misused.
    """
    from laneway.faces.cli.lane_changes import delete_lane

    server = running_server(data, context)
    raise typer.Exit(delete_lane(server, name, dry_run=dry_run, seconds=seconds))


@lanes.command("enable")
def enable(
    name: Name,
    force: Force = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Enable a lane that was disabled.

    Example: laneway lane enable fix-123

    Exit codes: 0 all proxies have it, 1 refused (with the patch to commit) or late, 2 misused.
    """
    from laneway.faces.cli.lane_changes import enable

    server = running_server(data, context)
    raise typer.Exit(enable(server, name, enabled=True, force=force, seconds=seconds))


@lanes.command("disable")
def disable(
    name: Name,
    force: Force = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Disable a lane. Its workloads keep running; requests that name it are routed as without a
    lane.

    Use it to see how requests are routed without the lane, or to stop a lane that misbehaves.

    Example: laneway lane disable fix-123

    Exit codes: 0 all proxies have it, 1 refused (with the patch to commit) or late, 2 misused.
    """
    from laneway.faces.cli.lane_changes import enable

    server = running_server(data, context)
    raise typer.Exit(enable(server, name, enabled=False, force=force, seconds=seconds))


@lanes.command("extend")
def extend(
    name: Name,
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="DURATION", help="How long from now on: 12h, 3d, 2w.")
    ],
    force: Force = False,
    seconds: Seconds = 60,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Set when a lane expires, counted from now.

    Example: laneway lane extend fix-123 --ttl 3d

    Exit codes: 0 all proxies have it, 1 refused (with the patch to commit) or late, 2 misused.
    """
    from laneway.faces.cli.lane_changes import extend
    from laneway.faces.cli.new_lanes import lifetime

    wanted, server = lifetime(ttl), running_server(data, context)
    raise typer.Exit(extend(server, name, wanted, force=force, seconds=seconds))
