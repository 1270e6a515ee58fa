"""``docs/reference/cli.md`` is what the commands' help says. ``--update-golden`` writes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.conftest import Golden

from laneway.faces.cli.app import app

REFERENCE = Path(__file__).parents[3] / "docs/reference/cli.md"
_HEAD = """\
# Command line

Generated from the commands' help. The commands that ask a running laneway find the one that runs on
this machine (`laneway up` or `laneway serve`); `--data-dir` names one of several, and `--context`
one of a kubeconfig.

A command exits with 0 when it did what it should, 1 when it did not, 2 when it was misused, and 130
after Ctrl-C, unless its text says otherwise. Results are on standard output, and everything else is
on standard error. Commands that take longer than a second say on a terminal what they wait for.
`--no-color`, anywhere on the line, and `NO_COLOR=1` turn colours off. `laneway completion` prints
what a shell needs to complete commands, options and names of objects.
"""


def commands() -> Iterator[tuple[str, Any]]:
    def inside(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            for part, each in sorted(command.commands.items()):
                yield from inside(f"{name} {part}", each)
        else:
            yield name, command

    return inside("laneway", typer.main.get_command(app))


def section(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [
        f"| `{', '.join((*each.opts, *each.secondary_opts))}` | {_told(each)} |"
        for each in command.params
        if each.param_type_name == "option" and not each.hidden and each.name != "help"
    ]
    table = "\n".join(["| Option | What it does |", "|---|---|", *rows]) if rows else ""
    parts = [f"## {name}", f"`{name} {usage}`", inspect.cleandoc(command.help or ""), table]
    return "\n\n".join(part for part in parts if part) + "\n"


def _told(option: Any) -> str:
    text = (option.help or "").replace("|", "\\|")
    default = option.default
    shown = default not in (None, "", False, True, ()) and not callable(default)
    return f"{text} Default: `{default}`." if shown else text


def test_the_reference_is_what_the_help_says(golden: Golden) -> None:
    golden(REFERENCE, "\n".join([_HEAD, *(section(*each) for each in commands())]))


@pytest.mark.parametrize(
    ("name", "command"), [each for each in commands() if "Example:" in (each[1].help or "")]
)
def test_help_names_exit_codes_and_an_example_of_itself(name: str, command: Any) -> None:
    help_text = command.help or ""
    assert f"Example: {name}" in help_text
    assert "Exit codes:" in help_text


def test_every_command_about_a_running_mesh_has_an_example() -> None:
    asking = [name for name, command in commands() if _asks(command)]
    lacking = [
        name
        for name, command in commands()
        if _asks(command) and "Example:" not in (command.help or "")
    ]
    assert "laneway get" in asking
    assert [name for name in lacking if " token " not in name and "kubeconfig" not in name] == []


def _asks(command: Any) -> bool:
    return any("--context" in each.opts for each in command.params)
