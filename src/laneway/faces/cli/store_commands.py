"""The commands for the file of a store: their options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laneway.faces.cli.server_commands import DataDirectory
from laneway.faces.cli.server_options import data_directory

store = typer.Typer(
    help="The store of `laneway serve`: backups, checks, and its history.", no_args_is_help=True
)


@store.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")],
    data: DataDirectory = None,
) -> None:
    """Copy the store as of one moment, also while `laneway serve` runs."""
    from laneway.faces.cli.stores import backup

    raise typer.Exit(backup(data_directory(data), file))


@store.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")], data: DataDirectory = None
) -> None:
    """Make a store from a backup, where there is none; nothing is replaced."""
    from laneway.faces.cli.stores import restore

    raise typer.Exit(restore(data_directory(data), file))


@store.command("compact")
def compact(
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="How many of the last revisions stay.")
    ] = 1000,
    data: DataDirectory = None,
) -> None:
    """Remove the history before the last revisions, also while `laneway serve` runs.

    What is declared stays. By itself, laneway keeps 30 days, and 100,000 revisions at most.
    """
    from laneway.faces.cli.stores import compact

    raise typer.Exit(compact(data_directory(data), keep))


@store.command("check")
def check(data: DataDirectory = None) -> None:
    """Read everything in the store; say what is damaged, and what this laneway cannot read."""
    from laneway.faces.cli.stores import check

    raise typer.Exit(check(data_directory(data)))
