"""``laneway init``: a first file for a user's own services, which runs as it is written."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from laneway.faces.cli.starter_files import Run, Starter, StarterService
    from laneway.model.names import ObjectName
    from laneway.model.services import Service


def init(
    service: Annotated[
        list[str] | None,
        typer.Option(
            "--service",
            metavar="NAME[@LANE][=COMMAND]",
            help="A service and how it runs: a command, or the address of one that runs. With "
            "@LANE, its version in that lane. The first is where requests enter. May be repeated.",
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("-f", "--file", metavar="FILE", help="Files of v1 Services to take over."),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")] = Path(
        "laneway.yaml"
    ),
    group: Annotated[str, typer.Option("--group", help="The lane group's name.")] = "shop",
    route_header: Annotated[
        str, typer.Option("--route-header", help="The header that names the lane.")
    ] = "x-lane",
    trace_header: Annotated[
        str,
        typer.Option("--trace-header", help="The header that your applications pass on already."),
    ] = "x-request-id",
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="The gateway's port; 0: any free one."),
    ] = 0,
    call_urls: Annotated[
        bool,
        typer.Option(
            "--call-urls",
            help="For clients that ignore http_proxy: CART_URL and the like hold URLs of services.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write a first file for your own services.

    laneway init --service web='node web.js' --service cart='node cart.js'
    --service cart@fix-123='node cart-new.js'
    """
    from laneway.adapters.files.reading import read_texts
    from laneway.adapters.files.sources import Text, texts
    from laneway.faces.cli.failures import Failed
    from laneway.faces.cli.starter_files import Starter, text
    from laneway.model.meshes import Mesh

    if output.exists() and not force:
        raise Failed(f"{output} exists: choose another file with -o, or replace it with --force")
    given = list(texts(files or [], sys.stdin))
    mesh = read_texts(given, named=files or [], whole=False).mesh if files else Mesh()
    declared = {each.name: each for each in mesh.services if each.selector}
    if files and not declared:
        raise Failed(f"{', '.join(files)}: no Service is declared; name them by --service")
    words = service or ([] if declared else _asked())
    starter = Starter(
        group,
        _services(words, declared),
        route_header,
        trace_header,
        port,
        next((each.name for each in mesh.gateways), None),
        call_urls,
    )
    written = text(starter)
    # Whatever was given, what is written is valid.
    read_texts([Text(str(output), written), *given], named=[str(output)])
    output.write_text(written, encoding="utf-8")
    _print_next(output, files or [], starter)


def _asked() -> list[str]:
    """On a terminal, what the user answers; else, or with no answer, an example."""
    words: list[str] = []
    if sys.stdin.isatty():
        print("Name your services, the one that requests enter first. An empty line ends.")
        while name := input(f"Service {len(words) + 1}: ").strip():
            how = input(f"  Command (or host:port) of {name}: ").strip()
            words.append(f"{name}={how}" if how else name)
        if words and (lane := input("A lane to try, such as fix-123 (or empty): ").strip()):
            name = input("  The service that it changes: ").strip()
            words.append(f"{name}@{lane}={input('  Its command there: ').strip()}")
    return words or ["web", "cart", "cart@fix-123"]


def _services(words: Sequence[str], declared: dict[ObjectName, Service]) -> list[StarterService]:
    from laneway.faces.cli.starter_files import BASELINE, Run, StarterService

    runs: dict[ObjectName, list[Run]] = {}
    for word in words:
        name, run = _run(word)
        if any(each.lane == run.lane for each in runs.setdefault(name, [])):
            raise typer.BadParameter(f"--service: {name.name}@{run.lane} is given twice")
        runs[name].append(run)
    for name in declared:
        runs.setdefault(name, [])
    for name, given in runs.items():
        if all(run.lane != BASELINE for run in given):
            if name not in declared:
                raise typer.BadParameter(
                    f"--service: {name.name} has no version in the baseline; add "
                    f"--service {name.name}=COMMAND"
                )
            given.insert(0, Run(BASELINE))
    return [
        StarterService.declared(declared[name], given)
        if name in declared
        else StarterService(name, given)
        for name, given in runs.items()
    ]


def _run(word: str) -> tuple[ObjectName, Run]:
    from laneway.faces.cli.starter_files import BASELINE, Run
    from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_label

    who, equals, how = word.partition("=")
    name, at, lane = who.partition("@")
    namespace, slash, short = name.rpartition("/")
    for part in (short, *([namespace] if slash else []), *([lane] if at else [])):
        if not is_label(part):
            raise typer.BadParameter(
                f"--service: `{part}` in `{word}` is no name; write NAME=COMMAND or "
                "NAME@LANE=COMMAND, names of a-z, 0-9 and -"
            )
    try:
        if equals and not shlex.split(how):
            raise typer.BadParameter(f"--service: the command in `{word}` is empty")
    except ValueError as error:
        raise typer.BadParameter(f"--service: `{word}`: {error}") from None
    return ObjectName(namespace or DEFAULT_NAMESPACE, short), Run(lane or BASELINE, how)


def _print_next(output: Path, files: Sequence[str], starter: Starter) -> None:
    names = " ".join(f"-f {shlex.quote(str(each))}" for each in (output, *files))
    print(f"{output} is written: lanes {', '.join(starter.lanes)}. Next:\n")
    print(f"  laneway up {names}")
