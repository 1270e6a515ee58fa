"""The commands of a laneway that serves its API: their options and help, as ``app`` has others'."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from laneway.faces.cli.server_requests import Server

tokens = typer.Typer(help="Create, list and revoke tokens for the API.", no_args_is_help=True)

DataDirectory = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="LANEWAY_DATA_DIR",
        help="Where the store and the API's socket are; by default ~/.local/state/laneway.",
    ),
]
ConsoleListen = Annotated[
    str | None,
    typer.Option(
        "--console",
        metavar="HOST:PORT",
        envvar="LANEWAY_CONSOLE",
        help="Show the console to browsers on this machine, and print a link that signs in.",
    ),
]
LogHeaders = Annotated[
    list[str] | None,
    typer.Option(
        "--log-header",
        metavar="NAME",
        envvar="LANEWAY_LOG_HEADER",
        help="Have access logs hold this header of requests, too. May be repeated.",
    ),
]
ExplainWord = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="WORD",
        envvar="LANEWAY_EXPLAIN",
        help="Tell callers that send it as x-laneway-explain how they are routed.",
    ),
]
ApiListen = Annotated[
    str | None,
    typer.Option(
        "--api-listen",
        metavar="HOST:PORT",
        help="Serve the API for TCP, too, with TLS and tokens: kubectl needs it.",
    ),
]
RunningData = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="LANEWAY_DATA_DIR",
        help="The data directory of the laneway to ask; by default the one that runs.",
    ),
]
Context = Annotated[
    str | None,
    typer.Option("--context", metavar="NAME", help="Ask the one of this context of a kubeconfig."),
]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="view, edit:GROUP or admin. May be repeated; default: admin."),
]
Days = Annotated[int, typer.Option("--days", min=1, max=3650, help="How long it is valid.")]


def serve(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            envvar="LANEWAY_CONFIG",
            help="A YAML file of these settings, by the names of the flags; flags and the "
            "environment go before it.",
        ),
    ] = None,
    data_dir: DataDirectory = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            envvar="LANEWAY_LISTEN",
            help="Serve the API for TCP, too, with TLS and tokens: kubectl needs it.",
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host", envvar="LANEWAY_HOST", help="A further name under which the API is reached."
        ),
    ] = None,
    tls_cert: Annotated[
        str | None,
        typer.Option(
            "--tls-cert",
            envvar="LANEWAY_TLS_CERT",
            help="Your own certificate; by default by laneway's own CA.",
        ),
    ] = None,
    tls_key: Annotated[
        str | None, typer.Option("--tls-key", envvar="LANEWAY_TLS_KEY", help="Its key.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            envvar="LANEWAY_CONCURRENCY",
            help="Worker threads of each Envoy, 1 to 64; default: 2.",
        ),
    ] = None,
    envoy: Annotated[
        str | None,
        typer.Option("--envoy", envvar="LANEWAY_ENVOY", help="The Envoy to run."),
    ] = None,
    access_log: Annotated[
        bool | None,
        typer.Option(
            "--access-log/--no-access-log",
            envvar="LANEWAY_ACCESS_LOG",
            help="Have every proxy log requests, with lanes: `logs --access` and `tap` need it.",
            show_default=False,
        ),
    ] = None,
    log_header: LogHeaders = None,
    explain: ExplainWord = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level",
            metavar="[debug|info|warning|error]",
            envvar="LANEWAY_LOG_LEVEL",
            help="What is logged; default: warning. JSON where it is not a terminal.",
        ),
    ] = None,
    history_days: Annotated[
        int | None,
        typer.Option(
            "--history-days",
            envvar="LANEWAY_HISTORY_DAYS",
            help="How long revisions are kept; default: 30.",
        ),
    ] = None,
    history_revisions: Annotated[
        int | None,
        typer.Option(
            "--history-revisions",
            envvar="LANEWAY_HISTORY_REVISIONS",
            help="How many revisions are kept at most; default: 100000.",
        ),
    ] = None,
    console: ConsoleListen = None,
    checks: Annotated[
        bool,
        typer.Option("--check", help="Check the settings, print them, and serve nothing."),
    ] = False,
) -> None:
    """Serve the API and run the declared mesh, with a store, until Ctrl-C.

    SIGHUP replaces the program by the version that is installed now, with the current settings.
    Proxies and workloads go on, and no request is lost.
    """
    from laneway.faces.cli.serve import check, run
    from laneway.faces.cli.serve_configuration import configuration

    given = {
        "data_dir": str(data_dir) if data_dir else None,
        "listen": listen,
        "host": host,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "concurrency": concurrency,
        "envoy": envoy,
        "access_log": access_log,
        "log_header": log_header,
        "explain": explain,
        "log_level": log_level,
        "history_days": history_days,
        "history_revisions": history_revisions,
        "console": console,
    }
    found = configuration(config, given)
    raise typer.Exit(check(found) if checks else run(found))


def kubeconfig(
    data: RunningData = None,
    context: Context = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The user's name; default: yours.")
    ] = None,
    scopes: Scopes = None,
    days: Days = 90,
) -> None:
    """Print a kubeconfig, with a new token, for the running laneway."""
    from laneway.faces.cli.tokens import kubeconfig, user_name

    raise typer.Exit(
        kubeconfig(running_server(data, context), name or user_name(), scopes or ["admin"], days)
    )


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="For whom or what.")],
    scopes: Scopes = None,
    days: Days = 90,
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Create a token and print it. It is not shown again."""
    from laneway.faces.cli.tokens import create

    raise typer.Exit(create(running_server(data, context), name, scopes or ["admin"], days))


@tokens.command("list")
def list_tokens(data: RunningData = None, context: Context = None) -> None:
    """Print the tokens that are valid, without their secrets."""
    from laneway.faces.cli.tokens import show

    raise typer.Exit(show(running_server(data, context)))


@tokens.command("revoke")
def revoke_token(
    number: Annotated[str, typer.Argument(metavar="TOKEN", help="As `token list` shows it.")],
    data: RunningData = None,
    context: Context = None,
) -> None:
    """Revoke a token at once, and close the streams that it has opened."""
    from laneway.faces.cli.tokens import revoke

    raise typer.Exit(revoke(running_server(data, context), number))


def running_server(data: Path | None, context: str | None) -> Server:
    """The one that a command asks. Raises ``ServerError``."""
    from laneway.faces.cli.server_requests import find_server

    return find_server(data.absolute() if data else None, context)
