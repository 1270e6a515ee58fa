"""The commands, their options and their help. What they do is imported when they run."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from laneway import __version__
from laneway.faces.cli import (
    completion,
    console_commands,
    environments,
    explain_command,
    init,
    lane_commands,
    object_commands,
    process_commands,
    revision_commands,
    server_commands,
    store_commands,
    traffic_commands,
)
from laneway.faces.cli.server_options import endpoint, logged_headers
from laneway.wiring.dialects import DIALECTS

app = typer.Typer(
    help="Request-level environments (traffic lanes) for HTTP and gRPC services, on Envoy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(server_commands.serve)
app.command()(server_commands.kubeconfig)
app.add_typer(server_commands.tokens, name="token")
app.add_typer(store_commands.store, name="store")
app.add_typer(lane_commands.lanes, name="lane")
app.command()(environments.env)
app.command()(init.init)
app.command()(completion.completion)
app.command()(console_commands.console)
app.command()(explain_command.explain)
object_commands.register(app)
process_commands.register(app)
revision_commands.register(app)
traffic_commands.register(app)


class Output(enum.StrEnum):
    TEXT = "text"
    JSON = "json"


class Kinds(enum.StrEnum):
    ASM = "asm"
    LANEWAY = "laneway"


Files = Annotated[
    list[str],
    typer.Option(
        "-f",
        "--file",
        metavar="FILE",
        default_factory=list,
        show_default=False,
        help="A YAML file, a folder of them, or - for standard input. May be repeated.",
    ),
]
# So that a shell's `-f examples/*.yaml` works.
MoreFiles = Annotated[list[str] | None, typer.Argument(metavar="FILE", hidden=True)]
OutputOption = Annotated[Output, typer.Option("--output", help="What to print.")]
Concurrency = Annotated[
    int, typer.Option("--concurrency", min=1, max=64, help="Worker threads of each Envoy.")
]
EnvoyPath = Annotated[
    Path | None,
    typer.Option(
        "--envoy",
        envvar="LANEWAY_ENVOY",
        help="The Envoy to run; by default the one that is installed with laneway.",
    ),
]


def _known_dialect(name: str) -> str:
    if name not in DIALECTS:
        raise typer.BadParameter(f"`{name}` is no dialect: choose one of {', '.join(DIALECTS)}")
    return name


def _print_version(asked: bool) -> None:
    if asked:
        print(f"laneway {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    # ``main`` takes it from anywhere on the line.
    no_colour: Annotated[
        bool,
        typer.Option("--no-color", help="No colours, also after a command. As NO_COLOR=1 does."),
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit after the tables, on a terminal too.")
    ] = False,
    requests: Annotated[
        int, typer.Option("--requests", min=1, help="How often to call each lane.")
    ] = 100,
    scenario: Annotated[
        int | None, typer.Option("--scenario", min=1, max=2, help="Run only this one.")
    ] = None,
    concurrency: Concurrency = 2,
    envoy: EnvoyPath = None,
) -> None:
    """Run the two example scenarios on real Envoys and check every answer."""
    from laneway.faces.cli.demo import run
    from laneway.wiring.embedded import Settings

    settings = Settings(concurrency=concurrency, envoy=envoy)
    raise typer.Exit(run(scenario, settings, requests=requests, once=once))


@app.command()
def up(
    files: Files,
    more: MoreFiles = None,
    concurrency: Concurrency = 2,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", help="Keep sockets and logs here, and leave them there."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Print every event while starting, too.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Apply what is saved to the files: whole, or not at all with the reason.",
        ),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="With --watch: a file that is emptied takes back what it declared, as one does "
            "that is deleted from a folder.",
        ),
    ] = False,
    explain: server_commands.ExplainWord = None,
    envoy: EnvoyPath = None,
    access_log: Annotated[
        bool,
        typer.Option("--access-log", help="Have every proxy log requests, with lanes, as JSON."),
    ] = False,
    log_header: server_commands.LogHeaders = None,
    api_listen: server_commands.ApiListen = None,
    console: server_commands.ConsoleListen = None,
) -> None:
    """Run the mesh that files declare, until Ctrl-C."""
    from laneway.faces.cli.up import Watching, run
    from laneway.wiring.embedded import Settings
    from laneway.wiring.serving import ServeSettings

    if prune and not watch:
        raise typer.BadParameter("--prune is about files that change: it needs --watch")
    paths = [*files, *(more or ())]
    settings = Settings(
        envoy=envoy,
        run_dir=run_dir,
        concurrency=concurrency,
        explain=explain,
        access_log=access_log or bool(log_header),
        logged_headers=logged_headers(log_header or ()),
    )
    listen, shown = endpoint("--api-listen", api_listen), endpoint("--console", console)
    serving = ServeSettings(None, listen, mesh=settings, console=shown)
    watching = Watching(paths, prune) if watch else None
    raise typer.Exit(run(paths, serving, watching, verbose))


@app.command()
def validate(files: Files, more: MoreFiles = None, output: OutputOption = Output.TEXT) -> None:
    """Check files, and report all errors and warnings."""
    from laneway.faces.cli.validate import run

    raise typer.Exit(run([*files, *(more or ())], as_json=output is Output.JSON))


@app.command()
def analyze(
    files: Files,
    more: MoreFiles = None,
    down: Annotated[
        list[str] | None,
        typer.Option("--down", metavar="WORKLOAD", help="Suppose it is down. May be repeated."),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Find rules and lanes without the effect that they seem to have, with example requests."""
    from laneway.faces.cli.analyze import run

    raise typer.Exit(run([*files, *(more or ())], down or [], as_json=output is Output.JSON))


@app.command()
def render(
    files: Files,
    dialect: Annotated[
        str,
        typer.Option(
            "--dialect",
            metavar=f"[{'|'.join(DIALECTS)}]",
            callback=_known_dialect,
            help="; ".join(f"{name}: {entry.summary}" for name, entry in DIALECTS.items()) + ".",
        ),
    ],
    more: MoreFiles = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output-dir",
            metavar="DIR",
            help="One file an object, here; replaces an earlier rendering as a whole.",
        ),
    ] = None,
    gateway_class: Annotated[
        str | None,
        typer.Option(
            "--gateway-class",
            metavar="NAME",
            help="gateway-api: render Gateways of this class, too, if there are none yet.",
        ),
    ] = None,
    root_namespace: Annotated[
        str | None,
        typer.Option(
            "--root-namespace",
            metavar="NAME",
            help="istio: MeshConfig's rootNamespace, if it is not istio-system.",
        ),
    ] = None,
) -> None:
    """Print the generated Envoy, Istio, Gateway API or ASM resources as YAML."""
    from laneway.faces.cli.render import run

    names = [*files, *(more or ())]
    raise typer.Exit(run(names, dialect, directory, gateway_class, root_namespace))


@app.command()
def convert(
    files: Files,
    to: Annotated[
        Kinds,
        typer.Option("--to", help="asm: ASMSwimLaneGroup, ASMSwimLane; laneway: LaneGroup, Lane."),
    ],
    more: MoreFiles = None,
) -> None:
    """Convert lanes from Alibaba Cloud ASM's kinds to laneway's, or back."""
    from laneway.faces.cli.convert import run

    raise typer.Exit(run([*files, *(more or ())], to.value))


@app.command()
def schema() -> None:
    """Print the OpenAPI schemas of all kinds that laneway reads and of the JSON that it prints."""
    from laneway.faces.cli.schemas import run

    raise typer.Exit(run())


@app.command()
def version(envoy: EnvoyPath = None) -> None:
    """Print the versions of laneway and of its Envoy."""
    from laneway.faces.cli.versions import run

    raise typer.Exit(run(envoy))
