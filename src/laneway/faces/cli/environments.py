"""``laneway env``: the variables of a workload, for a process that laneway does not start."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laneway.faces.cli.server_commands import Context, RunningData

if TYPE_CHECKING:
    from rich.console import Console

    from laneway.wiring.embedded import Embedded


def env(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="NAME or NAMESPACE/NAME.")],
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", help="That of the laneway to ask, if it was given one."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Print the environment of a running workload.

    With eval "$(laneway env cart-debug)", an application in a debugger, an editor or a container
    calls others through its sidecar.

    Example: laneway env cart-debug --json

    Exit codes: 0 printed, 1 not found or not answered, 2 misused.
    """
    import json
    import shlex

    if run_dir is None and (data or context):
        variables = _asked(workload, data, context)
    else:
        variables = _found(workload, run_dir)
    if as_json:
        print(json.dumps(variables, indent=2))
        return
    for name, value in variables.items():
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            print(f"export {name}={shlex.quote(value)}")


def _asked(word: str, data: Path | None, context: str | None) -> dict[str, str]:
    """Raises ``Failed`` where the laneway that is named cannot say it."""
    from laneway.faces.cli.process_requests import environment
    from laneway.faces.cli.server_commands import running_server

    return dict(environment(running_server(data, context), word)["environment"])


def _found(word: str, run_dir: Path | None) -> dict[str, str]:
    from laneway.adapters.runner.recorded_environments import run_directories, running
    from laneway.faces.cli.failures import Failed
    from laneway.model.suggestions import listing, suggestion

    places = [run_dir] if run_dir else run_directories(os.environ)
    known = [each for place in places for each in running(place)]
    if not known:
        where = f"uses {run_dir}" if run_dir else "runs on this machine, or it has a --run-dir"
        raise Failed(f"no laneway of yours with workloads {where}; start one: laneway up -f FILE")
    same = [each for each in known if word in (each.workload, each.workload.partition("/")[2])]
    if not same:
        names = sorted({each.workload for each in known})
        fix = suggestion(word, names, f"there is: {listing(names)}")
        raise Failed(f"there is no workload {word}; {fix}")
    if len(same) > 1:
        several = ", ".join(f"{each.workload} in {each.run_dir}" for each in same)
        raise Failed(f"{word} is several: {several}; give --run-dir, or the namespace")
    return dict(same[0].variables)


def print_outbound(console: Console, embedded: Embedded) -> None:
    """How applications that laneway does not start call others."""
    from rich.text import Text

    placements = embedded.control_plane.placements
    for workload in embedded.mesh.workloads:
        if not workload.command:
            outbound = placements.sidecars[workload.name].outbound
            line = f"calls through http://{outbound}: "
            hint = f'eval "$(laneway env {workload.name})"'
            console.print(
                Text.assemble((f"{workload.name}  ", "cyan"), line, (hint, "bold")), soft_wrap=True
            )
