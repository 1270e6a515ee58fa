"""``laneway serve`` becomes another program within its process, and nobody notices.

The tests share one mesh, and run in this order.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.runner.event_recorders import is_running
from tests.e2e.clients import Answer, Call, load
from tests.e2e.reloadable_servers import V1, Reloadable, reloadable_server
from tests.e2e.soak_application import WAIT
from tests.e2e.test_termination import children

pytestmark = pytest.mark.envoy

LANES = ("base", "s1")
#: What a new version of laneway has, as far as its version is concerned, and what none of it is.
NEWER = "import laneway; laneway.__version__ = '99.1'"
#: And what another one has: a lane filter of other contents.
OTHER_FILTER = "import laneway.wiring.filter_modules as m; m.identity = lambda _: 'other'"
OTHER_RECORDS = "import laneway.wiring.handover as handover; handover.VERSION = 99"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reloadable]:
    with reloadable_server(tmp_path_factory.mktemp("reload")) as server:
        yield server


class Traffic:
    """Requests to both lanes, in a thread, from now until ``stop``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = False
        self.answers: list[Answer] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> list[Answer]:
        self._stopped = True
        self._thread.join(120)
        return self.answers

    def _run(self) -> None:
        asyncio.run(load(self._url, self._calls(), 6, self.answers.append, 0.05))

    def _calls(self) -> Iterator[Call]:
        for number in count():
            if self._stopped:
                return
            lane = LANES[number % 2]
            yield Call("/", {"x-lane": lane}, tag=lane)


class Slow:
    """A request that stays inside an application until ``answer``."""

    def __init__(self, url: str, file: Path) -> None:
        self._file = file
        self._call = Call("/", {"x-lane": "s1", WAIT: f"mocka={file}"}, tag="s1")
        self._answers: list[Answer] = []
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()

    def is_inside(self) -> bool:
        return self._file.with_suffix(".inside").exists()

    def answer(self) -> Answer:
        self._file.touch()
        self._thread.join(120)
        (answer,) = self._answers
        return answer

    def _run(self, url: str) -> None:
        self._answers += asyncio.run(load(url, [self._call]))


class Asking:
    """Asks the API all the time, each time on a new connection."""

    def __init__(self, server: Reloadable) -> None:
        self._server = server
        self._stopped = False
        self.codes: list[int] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> list[int]:
        self._stopped = True
        self._thread.join(120)
        return self.codes

    def _run(self) -> None:
        while not self._stopped:
            with self._server.client() as client:
                self.codes.append(client.get(f"{V1}/lanes").status_code)
            time.sleep(0.05)


def right(answer: Answer) -> bool:
    body = f"-> mocka(version: {answer.call.tag}, ip: 127.0.0.1)"
    return (answer.status, answer.body) == (200, body)


def lane(name: str) -> str:
    spec = "{group: test, selector: {version: none}, enabled: false}"
    return f"apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {{name: {name}}}\nspec: {spec}"


def install(server: Reloadable, program: str) -> None:
    """Python runs ``program`` at each start."""
    (server.folder / "python/sitecustomize.py").write_text(program)


def test_reloads_cost_no_request_and_send_no_resource(server: Reloadable, tmp_path: Path) -> None:
    """Three: one of the same program, one of a newer version, and one while an object is invalid
    and the last valid state of its group serves."""
    url, pids, updates = server.url(), server.pids(), server.envoy_updates()
    traffic, asking = Traffic(url), Asking(server)

    def reload_unnoticed() -> None:
        before = server.get(f"{V1}/lanes"), server.get(f"{V1}/lanegroups")
        slow = Slow(url, tmp_path / f"held-{len(before[0])}-{time.monotonic_ns()}")
        server.until(slow.is_inside)
        assert not server.reload()
        server.until(server.is_settled)
        assert right(slow.answer())
        assert server.pids() == pids
        assert server.envoy_updates() == updates
        assert server.url() == url
        # With their revisions and statuses.
        assert (server.get(f"{V1}/lanes"), server.get(f"{V1}/lanegroups")) == before

    reload_unnoticed()
    install(server, NEWER)
    assert "99.1" not in str(server.get("/version"))
    reload_unnoticed()
    assert "99.1" in str(server.get("/version"))
    install(server, "")
    set_services(server, "mocka", "absent")
    server.until(lambda: condition(server.get(f"{V1}/lanegroups/test"), "Accepted") == "False")
    reload_unnoticed()
    set_services(server, "mocka")

    answers, codes = traffic.stop(), asking.stop()
    assert len(answers) > 100
    assert [each for each in answers if not right(each)] == []
    assert set(codes) == {200}
    print(f"{len(answers)} requests and {len(codes)} to the API, none lost")


def set_services(server: Reloadable, *names: str) -> None:
    patch = {"spec": {"services": [{"name": each, "namespace": "default"} for each in names]}}
    headers = {"content-type": "application/merge-patch+json"}
    with server.client() as client:
        response = client.patch(f"{V1}/lanegroups/test", json=patch, headers=headers)
    assert response.status_code == 200, response.text


def condition(document: Mapping[str, Any], kind: str) -> str:
    (found,) = (c for c in document["status"]["conditions"] if c["type"] == kind)
    return str(found["status"])


def test_settings_with_which_it_could_not_start_are_refused(server: Reloadable) -> None:
    pids, good = server.pids(), server.config.read_text()
    with server.client() as client, client.stream("GET", f"{V1}/lanes?watch=true") as stream:
        server.config.write_text("log-level: loud\n")
        told = server.reload()
        server.config.write_text(f"{good}listen: 192.0.2.1:1\n")
        assert "the API cannot listen on 192.0.2.1:1" in server.reload()
        server.config.write_text(good)
        lines = stream.iter_lines()
        server.apply(lane("early"))
        names = [json.loads(next(lines))["object"]["metadata"]["name"] for _ in range(3)]
    assert sorted(names) == ["base", "early", "s1"]  # the watch has gone on
    assert told.startswith("STATUS=not reloaded: the new program refuses to start: ")
    assert "serve.yaml: log-level: `loud` is not one of debug, info" in told
    refused = [each["reason"] for each in server.log() if each["event"] == "not_reloaded"]
    assert len(refused) == 2
    assert server.pids() == pids


def test_what_dies_is_started_again_what_is_written_stays_and_watches_resume(
    server: Reloadable,
) -> None:
    server.command("stop", "mocka-base")
    before = server.pids()
    version = server.get(f"{V1}/lanes")["metadata"]["resourceVersion"]
    watch = f"{V1}/lanes?watch=true&resourceVersion={version}"
    # While the program is replaced: in the new one, before it knows its children.
    install(
        server,
        f"import os, sys\nif os.getpid() == {server.process.pid}: os.kill({before['mocka-s1']}, 9)",
    )
    with server.client() as client, client.stream("GET", watch) as stream:
        assert not server.reload()
        install(server, "")
        assert list(stream.iter_lines()) == []  # it has ended in order
    server.apply(lane("late"))
    with server.client() as client, client.stream("GET", watch) as stream:
        events = map(json.loads, stream.iter_lines())
        late = (each for each in events if each["object"]["metadata"]["name"] == "late")
        assert next(late)["type"] == "ADDED"
    server.until(lambda: server.processes()["mocka-s1"]["state"] == "Ready")
    found = server.processes()
    assert found["mocka-base"]["state"] == "Stopped"
    assert found["mocka-s1"]["restarts"] == 1
    assert found["mocka-s1"]["pid"] != before["mocka-s1"]

    sidecar = "sidecar~mocka-s1.default"
    assert found[sidecar]["pid"] == before[sidecar]
    os.kill(before[sidecar], signal.SIGKILL)
    server.until(lambda: server.processes()[sidecar]["restarts"] == 1)
    server.command("start", "mocka-base")
    server.until(server.is_settled)


@pytest.mark.nightly
def test_a_version_with_another_filter_restarts_proxies_and_costs_no_request(
    server: Reloadable, tmp_path: Path
) -> None:
    before, url = server.processes(), server.url()
    traffic, slow = Traffic(url), Slow(url, tmp_path / "held")
    server.until(slow.is_inside)
    install(server, OTHER_FILTER)
    assert not server.reload()
    server.until(lambda: all(p != before[n]["pid"] for n, p in server.pids().items() if "~" in n))
    server.until(server.is_settled)
    assert right(slow.answer())
    answers = traffic.stop()
    assert [each for each in answers if not right(each)] == []
    after = server.processes()
    assert {n: s["pid"] for n, s in after.items() if "~" not in n} == {
        n: s["pid"] for n, s in before.items() if "~" not in n
    }
    assert {n: s["restarts"] for n, s in after.items()} == {
        n: s["restarts"] for n, s in before.items()
    }
    print(f"{len(answers)} requests, none lost")


@pytest.mark.nightly
def test_a_record_that_cannot_be_read_starts_everything_anew(server: Reloadable) -> None:
    before = server.pids()
    install(server, OTHER_RECORDS)
    assert not server.reload()
    install(server, "")
    (anew,) = [each for each in server.log() if each["event"] == "started_anew"]
    assert "it has version 1, and not 99" in anew["reason"]
    assert not any(map(is_running, before.values()))
    server.until(server.is_settled)
    assert set(server.pids()) == set(before)


def test_nothing_is_left_when_it_is_stopped_after_a_reload(server: Reloadable) -> None:
    assert not server.reload()
    pids = set(server.pids().values())
    assert pids <= children()
    server.process.terminate()
    assert server.process.wait(60) == 0
    assert not any(map(is_running, pids))
    assert list((server.folder / "run").glob("laneway-*")) == []
    ended = {each["subject"] for each in server.log() if each["event"] == "Stopped"}
    assert {"workload default/mocka-s1", "proxy router~entry.default"} <= ended
