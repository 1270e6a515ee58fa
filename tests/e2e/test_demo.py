"""``laneway demo`` and ``laneway up`` as a user runs them, on real Envoys."""

from __future__ import annotations

import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urldefrag

import pytest

from laneway.wiring.console_paths import console_folder

pytestmark = pytest.mark.envoy

LANEWAY = (sys.executable, "-c", "from laneway.faces.cli import main; main()")
EXAMPLES = Path(__file__).parents[2] / "examples"


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [*LANEWAY, "demo", "--once", "--requests", "20", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def rows(output: str) -> list[list[str]]:
    """Lane, expected and observed versions, number of answers."""
    return [
        [line.split()[0], *re.findall(r"v\d -> v\d -> v\d", line), line.split()[-1]]
        for line in output.splitlines()
        if re.match(r"s\d +v\d", line)
    ]


RIGHT = [
    ["s1", "v1 -> v1 -> v1", "v1 -> v1 -> v1", "20"],
    ["s2", "v2 -> v1 -> v2", "v2 -> v1 -> v2", "20"],
    ["s3", "v1 -> v3 -> v1", "v1 -> v3 -> v1", "20"],
]


def test_the_demo_shows_both_scenarios_right() -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout) == RIGHT * 2
    assert "all 120 answers are those that the article prints" in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(console_folder() is None, reason="the console was not built: `make console`")
def test_on_a_terminal_it_stays_with_a_console_that_may_change_everything() -> None:
    controller, terminal = pty.openpty()
    command = [*LANEWAY, "demo", "--requests", "5", "--scenario", "2"]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    try:
        printed = b""
        while not (
            link := re.search(rb"http://127\.0\.0\.1:\d+/console/#/sign-in/[\w-]{43}", printed)
        ):
            printed += os.read(controller, 4096)
        assert printed.index(b"Observed") < link.start()
        page, fragment = urldefrag(link[0].decode())
        code = json.dumps({"code": fragment.rpartition("/")[2]}).encode()
        token = json.load(_answer("POST", f"{page}sign-in", code))["token"]
        lane = page.replace("/console/", "/apis/laneway.dev/v1alpha1/lanes/s3")
        changed = _answer("PATCH", lane, b'{"spec": {"enabled": false}}', token)
        assert json.load(changed)["spec"]["enabled"] is False
    finally:
        process.send_signal(signal.SIGINT)
        os.set_blocking(controller, False)
        assert process.wait(30) == 0
        os.close(controller)


def _answer(method: str, url: str, data: bytes, token: str = "") -> http.client.HTTPResponse:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"content-type": kind, **({"authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, data, headers, method=method)
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=30)
    return answer


def test_a_port_that_is_taken_does_not_stop_the_demo() -> None:
    try:
        holder = socket.create_server(("127.0.0.1", 18001))
    except OSError:
        holder = None  # Somebody else has it already: as good.
    try:
        done = demo("--scenario", "2")
    finally:
        if holder:
            holder.close()
    assert done.returncode == 0, done.stderr
    assert "port 18001 is taken" in done.stdout
    assert rows(done.stdout) == RIGHT


def test_a_wrong_answer_is_shown_and_fails_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples with one lane's selector changed are no longer what the article has."""
    from laneway.faces.cli import demo as command
    from laneway.wiring.embedded import Settings

    for path in (EXAMPLES / "scenario-2").iterdir():
        text = path.read_text()
        if path.name == "lanes.yaml":
            text = text.replace("ASM_TRAFFIC_TAG: v3", "ASM_TRAFFIC_TAG: v2")
            text = text.replace("80=18001", "80=0")
        (tmp_path / "scenario-2").mkdir(exist_ok=True)
        (tmp_path / "scenario-2" / path.name).write_text(text)
    monkeypatch.setattr(command, "examples", lambda: tmp_path)
    assert command.run(2, Settings(concurrency=1), requests=5, once=True) == 1
    output = capsys.readouterr().out
    assert rows(output)[2] == ["s3", "v1 -> v3 -> v1", "v1 -> v2 -> v1", "5"]
    assert "wrong: " in output


def test_up_serves_until_interrupted_and_leaves_nothing(tmp_path: Path) -> None:
    for path in (EXAMPLES / "scenario-2").iterdir():
        text = path.read_text().replace("80=18001", "80=0")
        (tmp_path / path.name).write_text(text)
    with subprocess.Popen(
        [*LANEWAY, "up", "-f", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Logs are in"):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        pids = [int(line.split()[2]) for line in lines if re.match(r"default/mock", line)]
        (curl,) = (line for line in lines if line.startswith("s2  curl"))
        url = curl.split()[-1]
        request = urllib.request.Request(url, headers={"my-request-id": "s2"})
        body = urllib.request.urlopen(request, timeout=10).read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout.read() == "Stopped.\n"
    assert re.findall(r"version: (v\d)", body) == ["v2", "v1", "v2"]
    assert len(pids) == 9
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_up_says_what_cannot_be_started(tmp_path: Path) -> None:
    for path in (EXAMPLES / "scenario-2").iterdir():
        text = path.read_text().replace("80=18001", "80=0")
        (tmp_path / path.name).write_text(text.replace("laneway-mock", "no-such-command"))
    command = [*LANEWAY, "up", "-f", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: workload default/mocka-v1: command 'no-such-command'")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", ["option", "environment"])
def test_an_envoy_that_is_none_is_refused_in_words(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    envoy = tmp_path / "envoy"
    envoy.write_text("#!/bin/sh\necho 'envoy  version: abc/1.20.0/Clean/RELEASE/BoringSSL'\n")
    envoy.chmod(0o755)
    words = ["--envoy", str(envoy)] if how == "option" else []
    if how == "environment":
        monkeypatch.setenv("LANEWAY_ENVOY", str(envoy))
    ended = demo(*words)
    assert ended.returncode == 1
    assert "is Envoy 1.20.0; laneway supports 1.40" in ended.stderr
