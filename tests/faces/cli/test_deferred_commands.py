"""A command's signature is read when that command is asked for, and not before."""

from __future__ import annotations

import pytest
import typer

from laneway.faces.cli.app import app as laneway
from laneway.faces.cli.command_sections import SECTIONS
from laneway.faces.cli.deferred_commands import group_of


def app() -> typer.Typer:
    """``good``, ``bad`` (whose signature cannot be read), and a group with the two inside."""
    root = typer.Typer(help="The root.", no_args_is_help=True)
    inner = typer.Typer(help="The group.\n\nMore of it.")
    for each in (root, inner):
        each.command("bad")(bad)
        each.command()(good)
    root.add_typer(inner, name="inner")
    return root


def good(number: int = 0) -> None:
    """Do one
    thing.

    And more.
    """
    print("good", number)


def bad(number: Missing = 0) -> None:  # type: ignore[name-defined] # noqa: F821
    """Cannot be read."""


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        group_of(app())(args=list(words), prog_name="it")
    captured = capsys.readouterr()
    return int(exit_.value.code or 0), captured.out, captured.err


def test_help_lists_summaries_and_reads_no_signature(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code, out, _ = run(capsys, "--help")
    except NameError as error:
        pytest.fail(f"a signature was read: {error}")
    assert code == 0
    assert out.partition("Commands:")[2].split("\n")[1:4] == [
        "  bad    Cannot be read.",
        "  good   Do one thing.",
        "  inner  The group.",
    ]


def test_a_command_reads_its_own_signature_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "good", "--number", "3") == (0, "good 3\n", "")
    assert run(capsys, "inner", "good") == (0, "good 0\n", "")
    with pytest.raises(NameError, match="Missing"):
        group_of(app())(args=["bad"], prog_name="it")


def test_usage_errors_name_the_command_and_what_is_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, error = run(capsys, "inner", "good", "--numbr", "3")
    assert (code, out) == (2, "")
    assert error.startswith(
        "Usage: it inner good [OPTIONS]\nTry 'it inner good --help' for help.\n"
    )
    assert "--number" in error
    code, out, error = run(capsys, "inner", "goood")
    assert (code, out) == (2, "")
    assert "Did you mean 'good'?" in error


def test_help_lists_commands_in_sections(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        group_of(app(), {"Ours": ["inner", "good"]})(args=["--help"], prog_name="it")
    assert capsys.readouterr().out.partition("Ours:")[2].split("\n")[1:] == [
        "  inner  The group.",
        "  good   Do one thing.",
        "",
        "Commands:",
        "  bad  Cannot be read.",
        "",
    ]


def test_each_command_is_in_one_section() -> None:
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(group_of(laneway).commands)
