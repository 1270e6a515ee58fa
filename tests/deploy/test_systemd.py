"""The systemd unit: systemd takes it, and it starts what there is."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from laneway.faces.cli.serve_configuration import configuration

FOLDER = Path(__file__).parents[2] / "deploy/systemd"
UNIT = FOLDER / "laneway.service"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def service() -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


@needs_systemd
def test_systemd_takes_it(tmp_path: Path) -> None:
    laneway = Path(sys.executable).with_name("laneway")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/laneway/bin/laneway", str(laneway)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_it_is_hardened() -> None:
    """By systemd's own measure, of 0 (best) to 10."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-500:]


def test_it_calls_the_command_with_the_settings_that_come_with_it() -> None:
    program, command, *options = shlex.split(service()["ExecStart"])
    assert Path(program).name == "laneway"
    assert command == "serve"
    assert options == ["--config", "/etc/laneway/serve.yaml"]
    assert configuration(FOLDER / "serve.yaml", {}).listen == "127.0.0.1:7443"


def test_it_waits_until_the_mesh_is_started_and_stops_it_in_order() -> None:
    found = service()
    assert found["Type"] == "notify"
    assert found["KillMode"] == "mixed"


def test_a_reload_asks_the_process_itself() -> None:
    """``tests/e2e/test_reload.py`` shows what that does, and what systemd is told."""
    assert service()["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service()["NotifyAccess"] == "main"
