"""The commands about processes, on a running mesh: ``ps``, ``logs``, ``restart``, ``exec``..."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.adapters.runner.event_recorders import until
from tests.e2e.clients import Answer, Call, Connection, load
from tests.e2e.edited_files import WATCHED, save_as_editors_do
from tests.e2e.running_servers import RunningServer, log_errors_alone, running_server
from tests.e2e.scenarios import EXAMPLES, EXPECTED
from tests.faces.cli.conftest import Result
from tests.faces.cli.conftest import cli as cli

from laneway.control.events import Warned, WorkloadInstance
from laneway.model.names import ObjectName

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

GATEWAY = ObjectName("istio-system", "ingressgateway")
FILES = EXAMPLES / "scenario-2"
LANEWAY = Path(sys.executable).with_name("laneway")
LOGS = {"access_log": True, "logged_headers": ("x-user",)}
Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("serve"), **LOGS) as running:
        command = [str(LANEWAY), "apply", "-f", str(FILES), "--data-dir", str(running.data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(
            [LANEWAY, "wait", "lanes", "--timeout=60s", "--data-dir", str(running.data)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        yield running


@pytest.fixture
def ask(server: RunningServer, cli: Ask, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setenv("LANEWAY_DATA_DIR", str(server.data))
    log_errors_alone()
    return cli


def path_of(server: RunningServer, lane: str, count: int = 1) -> set[str]:
    """What the lane's requests are answered with."""
    url = server.serving.embedded.gateway_urls()[GATEWAY][80]
    calls = [Call("/mock", {"my-request-id": lane})] * count
    return {answer.body for answer in server.do(load(url, calls))}


def process(ask: Ask, name: str) -> dict[str, dict[str, object]]:
    items = json.loads(ask("ps", "-o", "json").out)["items"]
    (found,) = [each for each in items if each["metadata"]["name"] == name]
    return dict(found)


def test_ps_shows_state_pid_memory_and_ports(ask: Ask) -> None:
    found = ask("ps")
    assert found.code == 0
    assert re.search(
        r"^default/mocka-v1 +Workload +Ready +\d+ +0 +[\d.]+ MiB +\d+->8000",
        found.out,
        re.M,
    )
    assert re.search(r"^router~ingressgateway\.istio-system +Gateway +Ready +\d+", found.out, re.M)
    status = process(ask, "mockb-v1")["status"]
    assert os.path.exists(f"/proc/{status['pid']}")
    assert len(ask("ps", "--workloads", "-o", "name").out.split()) == 9
    assert len(ask("ps", "--proxies", "-o", "name").out.split()) == 10
    assert process(ask, "mocka-v2")["spec"]["lanes"] == ["s2"]
    assert " s2 " in ask("ps", "-o", "wide").out


def test_ps_counts_restarts(ask: Ask) -> None:
    before = process(ask, "mockc-v3")["status"]
    os.kill(int(str(before["pid"])), 9)
    for _ in range(600):
        after = process(ask, "mockc-v3")["status"]
        if after["state"] == "Ready" and after["pid"] != before["pid"]:
            break
    assert (after["restarts"], after["state"]) == (1, "Ready")


def test_proxy_status_is_synced_for_all(ask: Ask) -> None:
    found = ask("proxy-status")
    assert found.code == 0
    rows = [line.split() for line in found.out.splitlines()[1:]]
    assert len(rows) == 10
    assert {word for row in rows for word in row[2:]} == {"SYNCED"}


def test_logs_are_those_of_the_workloads_of_a_lane(ask: Ask, server: RunningServer) -> None:
    marked = ask("exec", "mocka-v1", "--", "true")
    assert marked.code == 0
    log = server.serving.embedded.log_dir
    for name in ("mocka-v1", "mocka-v2", "mockb-v1"):
        with (log / f"default_{name}.workload.log").open("a") as file:
            file.write(f"here is {name}\nand last of {name}\n")
    of_lane = ask("logs", "--lane", "s2").out
    assert "default/mocka-v2 | here is mocka-v2\n" in of_lane
    assert "mocka-v1" not in of_lane
    one = ask("logs", "mockb-v1", "--tail", "1")
    assert one.out == "and last of mockb-v1\n"
    every = ask("logs").out
    assert "here is mocka-v1" in every
    assert "here is mockb-v1" in every


def test_logs_follow_until_interrupted(server: RunningServer) -> None:
    path = server.serving.embedded.log_dir / "default_mockc-v2.workload.log"
    with (
        path.open("a") as file,
        subprocess.Popen(
            [LANEWAY, "logs", "-f", "--tail=1", "mockc-v2", "--data-dir", str(server.data)],
            stdout=subprocess.PIPE,
            text=True,
        ) as following,
    ):
        assert following.stdout is not None
        file.write("first\n")
        file.flush()
        assert "first\n" in iter(following.stdout.readline, "")
        os.replace(path, f"{path}.1")  # what laneway does at the limit
        path.write_text("second\n")
        assert following.stdout.readline() == "second\n"
        following.send_signal(2)
        assert following.wait(30) == 130


def test_access_logs_are_those_of_a_lane(ask: Ask, server: RunningServer) -> None:
    assert path_of(server, "s2") == {EXPECTED["s2"]}
    assert path_of(server, "s3") == {EXPECTED["s3"]}
    for _ in range(600):
        found = ask("logs", "--access", "--lane", "s2", "--no-prefix")
        if "mockc-v2" in found.out:
            break
    entries = [json.loads(line) for line in found.out.splitlines()]
    assert {"s2"} <= {entry["lane"] for entry in entries}
    assert all("s2" in (entry["lane"], entry["served"]) for entry in entries)
    assert ask("logs", "--access", "ingressgateway", "-n").code == 2
    at_gateway = ask("logs", "--access", "istio-system/ingressgateway").out.splitlines()
    assert all(json.loads(line)["path"] == "/mock" for line in at_gateway)


def test_stop_and_start_take_a_workload_out_and_back(ask: Ask, server: RunningServer) -> None:
    assert ask("stop", "mocka-v2").out == "mocka-v2 stopped\n"
    assert process(ask, "mocka-v2")["status"]["state"] == "Stopped"
    assert path_of(server, "s2") == {
        EXPECTED["s2"].replace("mocka(version: v2", "mocka(version: v1")
    }
    assert ask("start", "mocka-v2").out == "mocka-v2 started\n"
    assert process(ask, "mocka-v2")["status"]["state"] == "Ready"
    pid = process(ask, "mocka-v2")["status"]["pid"]
    assert ask("start", "mocka-v2").code == 0
    assert process(ask, "mocka-v2")["status"]["pid"] == pid
    assert ask("wait", "lane/s2").code == 0
    assert path_of(server, "s2") == {EXPECTED["s2"]}


def test_restart_makes_new_processes(ask: Ask) -> None:
    node = "sidecar~mockb-v3.default"
    before = [process(ask, name)["status"]["pid"] for name in ("mockb-v3", node)]
    found = ask("restart", "mockb-v3", node)
    assert found.code == 0, found
    assert {"mockb-v3 restarted", f"{node} restarted"} <= set(found.out.splitlines())
    after = [process(ask, name)["status"]["pid"] for name in ("mockb-v3", node)]
    assert not set(before) & set(after)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restart", "mocka-v9"], "there is no workload mocka-v9; did you mean default/mocka-v"),
        (["restart", "sidecar~x.default"], "there is no proxy sidecar~x.default"),
        (["stop", "elsewhere/mocka-v1"], "there is no workload elsewhere/mocka-v1"),
        (
            ["logs", "mocka"],
            "no workload mocka; Service default/mocka has default/mocka-v1, ",
        ),
        (["logs", "--lane", "s9"], "lane s9 has no workloads here"),
        (["exec", "mocka-v9", "--", "true"], "there is no workload mocka-v9"),
        (["env", "mocka-v9"], "there is no workload mocka-v9"),
    ],
)
def test_what_is_not_there_is_said(ask: Ask, words: list[str], said: str) -> None:
    found = ask(*words)
    assert (found.code, said in found.message) == (1, True), found


def executed(server: RunningServer, *words: str) -> subprocess.CompletedProcess[str]:
    """What ``laneway exec`` does with these words beside the workload mockb-v3."""
    command = [str(LANEWAY), "exec", "mockb-v3", "--data-dir", str(server.data), "--", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_env_prints_what_exec_gives(ask: Ask, server: RunningServer) -> None:
    """By the data directory of a laneway, as other commands are told which one is meant."""
    found = json.loads(ask("env", "mockb-v3", "--json").out)
    assert found["version"] == "v3"
    printed = executed(server, "printenv").stdout.splitlines()
    assert {f"{name}={value}" for name, value in found.items()} <= {*printed}


def test_exec_calls_as_the_workload_would(server: RunningServer) -> None:
    script = (
        "import os, urllib.request as r; "
        "print(r.urlopen('http://mockc:8000/').read().decode(), os.environ['version'])"
    )
    done = executed(server, sys.executable, "-c", script)
    assert done.stdout == "-> mockc(version: v1, ip: 127.0.0.1) v3\n", done
    assert executed(server, "sh", "-c", "exit 7").returncode == 7
    assert executed(server, "no-such-program").returncode == 127


def test_processes_are_for_admins_and_exec_is_for_this_machine(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scope in ("view", "admin"):
        made = ask("kubeconfig", "--scope", scope)
        (tmp_path / scope).write_text(made.out)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "admin"))
    assert "default/mocka-v1" in ask("ps", "--context", "laneway").out
    there = ask("exec", "--context", "laneway", "mocka-v1", "--", "true")
    assert (there.code, "on the machine of the workload" in there.message) == (1, True)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "view"))
    assert "s1" in ask("get", "lanes", "--context", "laneway").out
    for words in (["ps"], ["proxy-status"], ["logs"], ["restart", "mocka-v1"]):
        refused = ask(*words, "--context", "laneway")
        assert (refused.code, "are for admins" in refused.message) == (1, True), refused


def test_what_does_not_become_ready_is_said_with_the_reason(
    ask: Ask, tmp_path: Path, server: RunningServer
) -> None:
    crashing = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Workload",
        "metadata": {"name": "crashing", "namespace": "default"},
        "spec": {"command": ["false"], "ports": [{"port": 8000}]},
    }
    path = tmp_path / "crashing.yaml"
    path.write_text(json.dumps(crashing))
    assert ask("apply", "-f", path).code == 0
    started = ask("restart", "crashing", "--timeout", "0")
    assert (started.code, "laneway logs crashing" in started.message) == (1, True)
    for _ in range(600):
        status = process(ask, "crashing")["status"]
        if status["message"]:
            break
    assert status["state"] == "NotReady"
    assert "exited with 1" in str(status["message"])
    assert ask("delete", "-f", path).code == 0


def test_proxy_config_shows_what_envoy_has(ask: Ask, server: RunningServer) -> None:
    placement = server.serving.embedded.control_plane.placements.sidecars[
        ObjectName("default", "mocka-v1")
    ]
    listeners = ask("proxy-config", "listeners", "mocka-v1")
    assert listeners.code == 0, listeners
    assert re.search(rf"^inbound\|8000 +{placement.inbound[8000]} ", listeners.out, re.M)
    clusters = ask("proxy-config", "clusters", "sidecar~mocka-v1.default", "-o", "name").out
    assert "inbound|8000||" in clusters.split()
    routes = ask("proxy-config", "routes", "mocka-v1").out
    assert re.search(r"^outbound\|8000\|\|mockb\.default\S* +\* +\d+ ", routes, re.M)
    endpoints = ask("proxy-config", "endpoints", "mocka-v1").out
    assert re.search(
        rf"^{placement.application[8000]} +HEALTHY +inbound\|8000\|\|$", endpoints, re.M
    )
    whole = ask("proxy-config", "endpoints", "mocka-v1", "-o", "json").out
    assert "cluster_statuses" in json.loads(whole)
    assert ask("proxy-config", "listeners", "istio-system/ingressgateway").code == 0
    assert ask("proxy-config", "bootstrap", "mocka-v1").code == 2
    assert "there is no workload" in ask("proxy-config", "routes", "nobody").message


def workload(name: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((FILES / "workloads.yaml").read_text())
    (found,) = [d for d in documents if d["kind"] == "Workload" and d["metadata"]["name"] == name]
    return dict(found)


def test_verify_finds_requests_where_the_simulator_says(ask: Ask) -> None:
    found = ask("verify", "--requests", "4", "--concurrency", "2")
    assert found.code == 0, found
    rows = [" ".join(line.split()) for line in found.out.splitlines()]
    head = rows.index("Lane Answers mocka mockb mockc")
    assert rows[head + 1 : head + 5] == [
        "(none) 4x200 s1 s1 s1",
        "s1 4x200 s1 s1 s1",
        "s2 4x200 s2 s1 s2",
        "s3 4x200 s1 s3 s1",
    ]
    assert "all 16 requests went where the simulator says" in found.out
    assert ask("stop", "mocka-v2").code == 0
    fallen_back = ask("verify", "--requests", "2", "--lane", "s2")
    assert ask("start", "mocka-v2").code == 0
    assert (fallen_back.code, "mocka-v2 is not ready" in fallen_back.message) == (0, True)
    assert re.search(r"^s2 +2x200 +s1 +s1 +s2$", fallen_back.out, re.M)
    unknown = ask("verify", "--lane", "s9")
    assert (unknown.code, "there is no lane s9" in unknown.message) == (1, True)


def test_verify_names_the_service_that_does_not_pass_on_the_header(
    ask: Ask, tmp_path: Path
) -> None:
    forgetful, path = workload("mocka-v2"), tmp_path / "workload.yaml"
    forgetful["spec"]["env"]["header"] = "x-other"
    path.write_text(json.dumps(forgetful))
    assert ask("apply", "-f", path, "--force-conflicts").code == 0
    command = [str(LANEWAY), "verify", "--lane=s2", "--requests=3", "-o", "json"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    (lane,) = json.loads(found.stdout)
    assert found.returncode == 1
    assert lane["differences"] == [
        {
            "service": "default/mockc",
            "message": "lane s1 (3) answered instead of lane s2: the calls did not name lane s2; "
            "does mocka pass on my-request-id?",
        }
    ]
    # Five lost calls are evidence. Those before the first reading may be of the process before.
    shown = ask("verify", "--lane", "s2", "--requests", "6").out, ask("top").out
    for text in shown:
        assert "leaves its lane: mocka: in the last " in text
        assert "calls (100%) of mocka-v2 left their lane" in text
    path.write_text(json.dumps(workload("mocka-v2")))
    assert ask("apply", "-f", path, "--force-conflicts").code == 0
    mended = ask("verify", "--lane", "s2", "--requests", "3")
    assert (mended.code, "leaves its lane" in mended.out + ask("top").out) == (0, False)


def test_top_shows_rates_of_lanes(ask: Ask, server: RunningServer) -> None:
    following = subprocess.Popen(
        [LANEWAY, "top", "-w", "--interval=0.3", "-o", "json", "--data-dir", str(server.data)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with following:
        assert following.stdout is not None
        for line in itertools.islice(following.stdout, 50):
            path_of(server, "s2", 20)
            lanes = json.loads(line)["lanes"]
            busy = {(each["service"], each["lane"]) for each in lanes if each["per_second"] > 0}
            if busy >= {("default/mocka", "s2"), ("default/mockb", "?"), ("default/mockc", "s2")}:
                break
        following.send_signal(2)
        assert following.wait(30) == 130
    table = ask("top", "--interval", "0.1", "--service", "mocka", "--lane", "s2")
    assert table.code == 0
    assert re.search(r"^s2 +s2 +mocka +[\d.]+ ", table.out, re.M)
    assert "mockb" not in table.out


def test_tap_shows_requests_at_every_hop_without_secrets_and_leaves_nothing_behind(
    ask: Ask, server: RunningServer
) -> None:
    def followed() -> bool:
        links = (link for link in Path("/proc/self/fd").iterdir() if link.exists())
        return any(link.readlink().name == "access.log" for link in links)

    url = server.serving.embedded.gateway_urls()[GATEWAY][80]
    headers = {"my-request-id": "s3", "authorization": "Bearer s3cret", "cookie": "id=s3cret"}
    jack, jill = ({**headers, "x-user": user} for user in ("jack", "jill"))
    at = ("--data-dir", str(server.data))
    tapping = subprocess.Popen(
        [LANEWAY, "tap", "--lane=s1", "-H", "X-User: jill", "-o", "json", *at],
        stdout=subprocess.PIPE,
        text=True,
    )
    with tapping:
        assert tapping.stdout is not None
        until(followed)
        server.do(load(url, [Call("/mock?token=s3cret", jack)]))
        server.do(load(url, [Call("/mock?token=s3cret", jill)]))
        entry = json.loads(tapping.stdout.readline())
        assert (entry["service"], entry["lane"], entry["served"]) == ("default/mocka", "?", "s1")
        assert (entry["proxy"], entry["status"]) == ("router~ingressgateway.istio-system", 200)
        assert (entry["path"], entry["headers"]) == ("/mock?token=***", {"x-user": "jill"})
        tapping.send_signal(2)
        assert tapping.wait(30) == 130
    until(lambda: not followed())
    at_gateway = ask("logs", "--access", "istio-system/ingressgateway", "--tail", "1").out
    assert json.loads(at_gateway)["path"] == "/mock?token=***"
    wrong = ask("tap", "--status", "6xx")
    assert (wrong.code, "is no status" in wrong.message) == (2, True)
    unlogged = ask("tap", "-H", "x-team: a")
    assert (unlogged.code, "--log-header x-team" in unlogged.message) == (1, True)


def test_logs_are_followed_of_workloads_that_come_later(ask: Ask, server: RunningServer) -> None:
    late = workload("mockc-v2")
    late["metadata"]["name"] = "late"
    following = subprocess.Popen(
        [LANEWAY, "logs", "-f", "--lane=s2", "--data-dir", str(server.data)],
        stdout=subprocess.PIPE,
        text=True,
    )
    path = server.data.parent / "late.json"
    path.write_text(json.dumps(late))
    with following:
        assert following.stdout is not None
        assert ask("apply", "-f", path).code == 0
        with (server.serving.embedded.log_dir / "default_late.workload.log").open("a") as file:
            file.write("here is late\n")
        for line in following.stdout:
            if line == "default/late | here is late\n":
                break
        following.send_signal(2)
        assert following.wait(30) == 130
    assert ask("delete", "-f", path).code == 0


def test_a_workload_is_started_anew_when_its_files_change_and_no_request_is_lost(
    ask: Ask, server: RunningServer, tmp_path: Path
) -> None:
    (tmp_path / "application.py").write_text(WATCHED)
    content = tmp_path / "content"
    content.mkdir()
    (content / "text.py").write_text("TEXT = 'one'\n")
    watching = workload("mocka-v2")
    # Python takes compiled code for current if size and second of the source are the same.
    command = [sys.executable, "-B", "application.py"]
    watching["spec"] |= {"command": command, "watch": ["content/"]}
    path = tmp_path / "workload.yaml"
    path.write_text(json.dumps(watching))
    assert ask("apply", "-f", path, "--force-conflicts").code == 0
    assert path_of(server, "s2") == {"one"}

    url = server.serving.embedded.gateway_urls()[GATEWAY][80]
    answers: list[Answer] = []

    async def call_until(expected: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        connection = Connection(host, int(port))
        while not answers or answers[-1].body != expected:
            answers.append(await connection.get(Call("/mock", {"my-request-id": "s2"})))
            await asyncio.sleep(0.01)
        connection.close()

    save_as_editors_do(content, "two")
    server.do(call_until("two"))
    (content / "text.py").write_text("TEXT = 'three\n")  # a quote is missing
    while "SyntaxError" not in ask("logs", "mocka-v2").out:
        assert path_of(server, "s2") == {"two"}
    save_as_editors_do(content, "three")
    server.do(call_until("three"))
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {"one", "two", "three"}

    log_path = server.serving.embedded.log_path
    logs = {log_path(WorkloadInstance(ObjectName("default", f"mocka-v2{n}"))) for n in ("", "~2")}
    assert len(logs) == 1  # for all processes of the workload, one after the other

    assert ask("stop", "mocka-v2").code == 0
    save_as_editors_do(content, "four")
    path.write_text(json.dumps(workload("mocka-v2")))
    assert ask("apply", "-f", path, "--force-conflicts").code == 0
    assert ask("start", "mocka-v2").code == 0
    assert path_of(server, "s2") == {EXPECTED["s2"]}


@pytest.mark.parametrize("listener", ["gateway", "outbound", "inbound"])
def test_a_mesh_port_that_is_called_by_https_is_warned_of(
    server: RunningServer, listener: str
) -> None:
    placements = server.serving.embedded.control_plane.placements
    sidecar = placements.sidecars[ObjectName("default", "mocka-v3")]
    called = {
        "gateway": placements.gateways[GATEWAY].listeners[80],
        "outbound": sidecar.outbound,
        "inbound": sidecar.inbound[8000],
    }[listener]
    untrusting = ssl.create_default_context()
    with (
        socket.create_connection((called.host, called.port), timeout=30) as connection,
        pytest.raises(ssl.SSLError),
    ):
        untrusting.wrap_socket(connection, server_hostname="localhost")
    said = f"a client spoke to {called}, and not by HTTP"
    until(lambda: any(said in each.text for each in server.heard if isinstance(each, Warned)))
