"""What holds for every command: help, versions, failures, broken pipes, interruption."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from laneway import __version__
from laneway.adapters.runner.errors import PortUnavailable
from laneway.faces.cli import interruption
from laneway.faces.cli.failures import Failed, report

from .conftest import Cli

pytestmark = pytest.mark.slow

#: Modules that help needs, beside those that declare commands (``..._commands``).
ALLOWED_FOR_HELP = {
    *("laneway.faces", "laneway.faces.cli", "laneway.wiring", "laneway.wiring.dialects"),
    *(
        f"laneway.faces.cli.{name}"
        for name in (
            *("app", "environments", "init", "completion", "name_completion", "colours"),
            *("command_sections", "failures", "list_formats", "server_options", "text_outputs"),
        )
    ),
}
LANEWAY = (sys.executable, "-c", "from laneway.faces.cli import main; main()")


def test_help_names_the_commands(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    for command in ("demo", "up", "validate", "analyze", "explain", "render", "schema", "version"):
        assert f" {command} " in result.out


def test_help_imports_modules_that_declare_commands_and_no_others() -> None:
    """Each import is paid for by every command. Rich alone takes as long as Typer."""
    script = (
        "import sys, typer\n"
        "before = {*sys.modules}\n"
        "from laneway.faces.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*({*sys.modules} - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    imported = done.stdout.splitlines()[-1].split()
    ours = {name for name in imported if name.startswith("laneway.") and "_command" not in name}
    assert ours <= ALLOWED_FOR_HELP
    packages = {name.partition(".")[0] for name in imported}
    assert packages <= {"laneway", "typer", "__future__", "shlex"}


def test_versions(cli: Cli) -> None:
    assert cli("--version").out == f"laneway {__version__}\n"
    assert cli("version").out.startswith(f"laneway {__version__}\nEnvoy   1.")


def test_schemas_are_printed_as_json(cli: Cli) -> None:
    result = cli("schema")
    assert (result.code, result.err) == (0, "")
    document = json.loads(result.out)
    assert document["openapi"] == "3.0.3"
    assert document["info"]["version"] == __version__
    assert {"LaneGroup", "Lane", "Workload", "FindingReport"} <= document["components"][
        "schemas"
    ].keys()


def test_the_version_is_that_of_the_configured_envoy(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    envoy = tmp_path / "envoy"
    envoy.write_text("#!/bin/sh\necho 'envoy  version: abc/1.40.9/Clean/RELEASE/BoringSSL'\n")
    envoy.chmod(0o755)
    monkeypatch.setenv("LANEWAY_ENVOY", str(envoy))
    assert f"Envoy   1.40.9  {envoy}\n" in cli("version").out
    monkeypatch.setenv("LANEWAY_ENVOY", str(tmp_path / "none"))
    assert f"Envoy   the configured Envoy {tmp_path}/none does not exist" in cli("version").out
    assert "Envoy   1.40.9" in cli("version", "--envoy", envoy).out


def test_failures_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for error, line in (
        (Failed("it failed"), "error: it failed"),
        (PortUnavailable("port 80 is taken"), "error: port 80 is taken"),
        (PermissionError(13, "Permission denied", "/x"), "error: /x: Permission denied"),
    ):
        assert report(error) == 1
        assert capsys.readouterr().err == f"{line}\n"


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    with pytest.raises(KeyError):
        report(KeyError("x"))


def test_debugging_keeps_every_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANEWAY_DEBUG", "1")
    with pytest.raises(Failed):
        report(Failed("it failed"))


@pytest.mark.parametrize(
    "words", [("render", "--dialect", "envoy"), ("explain",), ("validate", "--output", "json")]
)
def test_a_reader_that_goes_away_is_no_error(words: tuple[str, ...], examples: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [*LANEWAY, *words, "-f", str(examples / "scenario-1")]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


def test_an_interruption_unwinds_and_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    unwound = []

    async def command() -> int:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            unwound.append(True)
        return 0

    assert interruption.run(command()) == 130
    assert unwound == [True]
    assert "Stopping" in capsys.readouterr().err


def test_what_runs_until_interrupted_goes_on_after_it() -> None:
    async def command() -> int:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        await interruption.until_interrupted()
        await asyncio.sleep(0)  # Stopping in order may wait.
        return 7

    assert interruption.run(command()) == 7


def test_a_second_interruption_ends_at_once() -> None:
    script = (
        "import asyncio\n"
        "from laneway.faces.cli import interruption\n"
        "async def command():\n"
        "    print('up', flush=True)\n"
        "    await interruption.until_interrupted()\n"
        "    print('stopping', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "interruption.run(command())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        began = time.monotonic()
        for line in ("up\n", "stopping\n"):
            assert process.stdout.readline() == line
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert time.monotonic() - began < 30


def test_an_interruption_while_the_program_is_read_is_130() -> None:
    script = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'laneway.faces.cli.app':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from laneway.faces.cli import main\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "")
