"""Breakages of the costs of laneway: of starting commands, requests, idling and changes."""

from __future__ import annotations

from tests.mutation.trials import Breakage

COSTS = (
    Breakage(
        "help is formatted by Rich",
        "src/laneway/faces/cli/deferred_commands.py",
        old="    part.rich_markup_mode = None\n",
        new="",
        tests=(
            "tests/faces/cli/test_commands.py::"
            "test_help_imports_modules_that_declare_commands_and_no_others",
        ),
        why="help takes twice as long",
    ),
    Breakage(
        "a list of commands builds them all",
        "src/laneway/faces/cli/deferred_commands.py",
        old="[(name, commands.summary(name)) for name in names]",
        new="[(name, commands[name] and commands.summary(name)) for name in names]",
        tests=(
            "tests/faces/cli/test_deferred_commands.py::"
            "test_help_lists_summaries_and_reads_no_signature",
        ),
        why="help and completion read the signatures of forty commands",
    ),
)
