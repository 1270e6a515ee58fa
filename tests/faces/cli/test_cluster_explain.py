"""``explain`` where no server explains, as in a cluster: the command reads the objects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faces.cli.asked_servers import Asked, asked_cluster
from tests.faces.cli.conftest import Cli
from tests.wiring.api_servers import MERGE, SHOP, V1, api

from laneway.faces.cli import cluster_explain
from laneway.faces.cli.cluster_objects import cluster_objects
from laneway.faces.cli.server_requests import Server

CALLS = ("--calls", "web=cart", "--calls", "cart=")


@pytest.fixture
async def cluster(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Asked]:
    async with asked_cluster(cli, monkeypatch) as asked:
        path = tmp_path / "objects.yaml"
        path.write_text(yaml.safe_dump_all(SHOP))
        assert (await asked.run("apply", "-f", path)).code == 0
        await asked.api.settle()
        yield asked


def set_ready(monkeypatch: pytest.MonkeyPatch, lane: str, **services: int) -> None:
    """What the operator counted. The server of the tests counts by itself, and would undo it."""
    counts = [
        {"namespace": "default", "name": name, "ready": number, "total": 1}
        for name, number in services.items()
    ]

    def read(server: Server) -> list[Any]:
        return [
            {**each, "status": {**each["status"], "services": counts}}
            if each["metadata"]["name"] == lane
            else each
            for each in cluster_objects(server)
        ]

    monkeypatch.setattr(cluster_explain, "cluster_objects", read)


async def test_the_lane_of_the_request_answers(cluster: Asked) -> None:
    found = await cluster.run("explain", "-H", "x-lane: s1", *CALLS)
    assert found.code == 0, found
    lines = found.out.splitlines()
    assert lines[0] == f"live: the cluster of {cluster.api.folder}: all lanes have ready pods"
    assert lines[-1] == "-> web@s1, cart@s1"
    as_json = await cluster.run("explain", *CALLS, "-o", "json")
    assert "live: the cluster of " in as_json.err
    report = json.loads(as_json.out)
    assert [hop["servedLane"] for hop in report["hops"]] == ["z", "z"]


async def test_where_no_pod_is_ready_the_baseline_answers(
    cluster: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_ready(monkeypatch, "s1", web=1, cart=0)
    found = await cluster.run("explain", "-H", "x-lane: s1", *CALLS)
    assert found.out.splitlines()[0].endswith(": no pod is ready of cart@s1")
    assert found.out.splitlines()[-1] == "-> web@s1, cart@z"
    down = await cluster.run("explain", "-H", "x-lane: s1", *CALLS, "--down", "web@s1")
    assert down.out.splitlines()[-1] == "-> web@z, cart@z"


async def test_what_no_status_counts_is_taken_to_be_ready_and_said(
    cluster: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_ready(monkeypatch, "s1")
    found = await cluster.run("explain", "-H", "x-lane: s1", *CALLS)
    first, last = found.out.splitlines()[0], found.out.splitlines()[-1]
    assert first.endswith(": how many pods are ready is not known, so they count as ready")
    assert last == "-> web@s1, cart@s1"


async def test_calls_that_are_unknown_are_told(cluster: Asked) -> None:
    found = await cluster.run("explain", "-H", "x-lane: s1")
    assert found.out.splitlines()[-1] == "-> web@s1"
    assert "Calls of web are unknown" in found.err
    assert "say them with --calls SERVICE=A,B.\n" in found.err


async def test_a_disabled_lane_is_not_a_lane_that_never_was(cluster: Asked) -> None:
    off = {"spec": {"enabled": False}}
    await cluster.api.client.patch(f"/apis/{V1}/lanes/s1", json=off, headers=MERGE)
    found = await cluster.run("explain", "-H", "x-lane: s1", *CALLS)
    assert found.out.splitlines()[-1] == "-> web@z, cart@z"
    assert "lane s1 is disabled" in found.out


async def test_an_object_that_is_not_accepted_is_reported(cluster: Asked) -> None:
    wrong = {"spec": {"fallback": ["s9"]}}
    await cluster.api.client.patch(f"/apis/{V1}/lanes/s1", json=wrong, headers=MERGE)
    found = await cluster.run("explain", *CALLS)
    assert "warning: left out: " in found.err
    assert "s9" in found.err


async def test_the_first_line_names_the_context(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tls").mkdir()
    async with api(tmp_path / "tls", own_kinds=False) as made:
        cluster = {"server": made.url, "insecure-skip-tls-verify": True}
        kubeconfig = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": made.token}}],
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        }
        (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig))
        (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(SHOP))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        asked = Asked(made, cli)
        done = await asked.run("apply", "--context", "prod", "-f", tmp_path / "objects.yaml")
        assert done.code == 0, done
        await made.settle()
        found = await asked.run("explain", "--context", "prod")
        assert found.out.startswith(f"live: the cluster of context prod at {made.url}: ")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--gateway", "entri"], 2, "did you mean default/entry?"),
        (["--down", "cart@s9"], 2, "there is no workload cart@s9"),
        (["--revision", "1"], 1, "this server has no explanations"),
    ],
)
async def test_what_is_wrong_is_said(
    cluster: Asked, words: list[str], code: int, said: str
) -> None:
    found = await cluster.run("explain", *words)
    assert (found.code, said in found.message) == (code, True), found
