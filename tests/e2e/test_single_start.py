"""Two laneways that want the same gateway port: one runs, the other says who has the port."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.adapters.runner.test_ports import listener

pytestmark = pytest.mark.envoy

MESH = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: ingress, namespace: istio-system}}
spec:
  servers: [{{port: {{number: {port}, name: http, protocol: HTTP}}, hosts: ["*"]}}]
"""


def up(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("laneway")), "up", "-f", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
    )


def said_until_up_or_ended(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(("up:", "Logs are in")):
            break
    return said


def stop(winner: subprocess.Popen[str]) -> None:
    winner.send_signal(signal.SIGTERM)
    winner.communicate()


def ended(loser: subprocess.Popen[str]) -> int:
    loser.communicate()
    return loser.returncode


@pytest.mark.parametrize("folders", ["the same", "others"])
def test_one_wins_and_the_others_name_it(folders: str, tmp_path: Path) -> None:
    with listener() as free:
        port = free.getsockname()[1]
    first = tmp_path / "0"
    first.mkdir()
    (first / "mesh.yaml").write_text(MESH.format(port=port))
    for number in (1, 2):
        if folders == "others":
            shutil.copytree(first, tmp_path / str(number))
        else:
            (tmp_path / str(number)).symlink_to(first)
    started = [up(tmp_path / str(number)) for number in range(3)]
    said = [said_until_up_or_ended(process) for process in started]
    winners = [n for n in range(3) if "up:" in said[n]]
    assert len(winners) == 1, said
    winner = started[winners[0]]
    for process, text in zip(started, said, strict=True):
        if process is winner:
            assert "not ready" not in text
            continue
        assert ended(process) == 1
        folder = re.escape(str((tmp_path / str(winners[0])).resolve()))
        assert re.search(
            rf"Gateway istio-system/ingress port {port}: port {port} is taken by .*"
            rf"\(process {winner.pid}, '.*laneway up .*' in {folder}, since 20",
            text,
        ), text
    stop(winner)


def test_a_run_directory_is_one_laneways(tmp_path: Path) -> None:
    started = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with listener() as free:
            port = free.getsockname()[1]
        (folder / "mesh.yaml").write_text(MESH.format(port=port))
        started.append(up(folder, "--run-dir", str(tmp_path / "run")))
    said = [said_until_up_or_ended(process) for process in started]
    (winner,) = (p for p, text in zip(started, said, strict=True) if "up:" in text)
    (loser,) = (p for p in started if p is not winner)
    assert ended(loser) == 1
    message = f"is in use by another laneway (process {winner.pid}, "
    assert message in said[started.index(loser)]
    stop(winner)
