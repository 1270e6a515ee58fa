"""``laneway completion``: the script by which a shell asks laneway itself what may follow."""

from __future__ import annotations

import enum
import os
from typing import Annotated, Any

import typer

PROGRAM = "laneway"
#: With it set, the program is asked by a shell and not by a user.
VARIABLE = "_LANEWAY_COMPLETE"


class Shell(enum.StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell: bash, zsh or fish.")],
    context: typer.Context,
) -> None:
    """Print a shell's completion script.

    Names come from the running laneway. Put the example's line into ~/.bashrc; zsh works alike. For
    fish: laneway completion fish > ~/.config/fish/completions/laneway.fish

    Example: laneway completion bash

    To try it in this shell: eval "$(laneway completion bash)"

    Exit codes: 0 printed, 2 misused.
    """
    from typer.completion import shell_complete

    prepare()
    root: Any = context.find_root().command
    raise typer.Exit(shell_complete(root, {}, PROGRAM, VARIABLE, f"source_{shell.value}"))


def prepare() -> None:
    """Have Typer's completion classes answer, which know how each shell asks."""
    from typer._completion_classes import completion_init

    completion_init()


def is_asked() -> bool:
    return VARIABLE in os.environ
