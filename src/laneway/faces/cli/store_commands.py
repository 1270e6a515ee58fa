"""The commands for the file of a store: their options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laneway.faces.cli.server_commands import DataDirectory
from laneway.faces.cli.server_options import data_directory

store = typer.Typer(
    help="Back up, restore, check and compact the store of `laneway serve`.", no_args_is_help=True
)


@store.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")],
    data: DataDirectory = None,
) -> None:
    """Copy a snapshot of the store, even while `laneway serve` runs."""
    from laneway.faces.cli.stores import backup

    raise typer.Exit(backup(data_directory(data), file))


@store.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")], data: DataDirectory = None
) -> None:
    """Create a store from a backup. An existing store is never replaced."""
    from laneway.faces.cli.stores import restore

    raise typer.Exit(restore(data_directory(data), file))


@store.command("compact")
def compact(
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="How many of the last revisions stay.")
    ] = 1000,
    data: DataDirectory = None,
) -> None:
    """Remove all but the last revisions from the history, even while `laneway serve` runs.

    Declared objects stay. By default, laneway keeps 30 days, and at most 100,000 revisions.
    """
    from laneway.faces.cli.stores import compact

    raise typer.Exit(compact(data_directory(data), keep))


@store.command("check")
def check(data: DataDirectory = None) -> None:
    """Read the whole store, and report what is damaged or what this version cannot read."""
    from laneway.faces.cli.stores import check

    raise typer.Exit(check(data_directory(data)))
