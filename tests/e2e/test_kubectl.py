"""kubectl against ``laneway serve``: the article's steps, with requests under way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.clients import Answer, Call, load
from tests.e2e.kubectls import VERSIONS, Kubectl, program
from tests.e2e.scenarios import EXAMPLES, EXPECTED, answer

from laneway.faces.cli.server_requests import LocalServer
from laneway.faces.cli.tokens import kubeconfig
from laneway.model.names import ObjectName
from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

GATEWAY = ObjectName("istio-system", "ingressgateway")


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / "scenario-2" / name).read_text()))


LANES = {f"{each['kind']} {each['metadata']['name']}": each for each in documents("lanes.yaml")}
REST = [each for each in LANES.values() if each["kind"] not in ("LaneGroup", "Lane")]


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Serving]:
    mesh = Settings(free_gateway_ports=True, concurrency=1)
    settings = ServeSettings(folder / "data", ("127.0.0.1", 0), mesh=mesh)
    async with Serving(settings) as served:
        yield served


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Path:
    path = program(request.param)
    if path is None:
        pytest.skip(f"kubectl {request.param} is not installed: `make develop` installs it")
    return path


async def kubectl_for(
    served: Serving, folder: Path, version: Path, capsys: pytest.CaptureFixture[str]
) -> Kubectl:
    capsys.readouterr()
    await asyncio.to_thread(kubeconfig, LocalServer(folder / "data/api.sock"), "jack", ["admin"], 1)
    config = folder / "kubeconfig"
    config.write_text(capsys.readouterr().out)
    return Kubectl(version, config)


async def test_the_articles_steps_cost_no_request(
    tmp_path: Path, version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as served:
        kubectl = await kubectl_for(served, tmp_path, version, capsys)
        await kubectl("apply", "-f", "-", given=[*REST, *documents("workloads.yaml")])
        await kubectl("apply", "-f", "-", given=[LANES["LaneGroup test"], LANES["Lane s1"]])
        await ready(kubectl, "lane/s1", "lanegroup/test")
        async with under_load(served) as answers:
            await kubectl("apply", "-f", "-", given=LANES["Lane s2"])
            await kubectl("apply", "--server-side", "-f", "-", given=LANES["Lane s3"])
            await ready(kubectl, "lane/s2", "lane/s3")
            assert await path_of(served, "s2") == EXPECTED["s2"]
            assert await path_of(served, "s3") == EXPECTED["s3"]
            baselines: Any = {"spec": {"serviceBaselines": {"mockc": "s2"}}}
            await kubectl("patch", "lanegroup", "test", "--type=merge", "-p", json.dumps(baselines))
            assert await until_path(served, "s3", answer("v1", "v3", "v2"))
            baselines = {"spec": {"serviceBaselines": None}}
            await kubectl("patch", "lanegroup", "test", "--type=merge", "-p", json.dumps(baselines))
            assert await until_path(served, "s3", EXPECTED["s3"])
            await kubectl("delete", "lane", "s3")
            assert await until_path(served, "s3", EXPECTED["s1"])
        lost = [each for each in answers if each.status != 200 or "FAILED" in each.body]
        assert not lost, lost[:3]
        assert len(answers) > 50


async def ready(kubectl: Kubectl, *names: str) -> None:
    for condition in ("Programmed", "Ready"):
        await kubectl("wait", *names, f"--for=condition={condition}", "--timeout=60s")


def url(served: Serving) -> str:
    return served.embedded.gateway_urls()[GATEWAY][80]


async def path_of(served: Serving, lane: str) -> str:
    (found,) = await load(url(served), [Call("/mock", {"my-request-id": lane})])
    return found.body


async def until_path(served: Serving, lane: str, expected: str) -> bool:
    async with asyncio.timeout(60):
        while await path_of(served, lane) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return True


@asynccontextmanager
async def under_load(served: Serving) -> AsyncIterator[list[Answer]]:
    stopped = asyncio.Event()
    answers: list[Answer] = []

    def calls() -> Iterator[Call]:
        for lane in cycle(("s1", "s2", "s3", None)):
            if stopped.is_set():
                return
            yield Call("/mock", {"my-request-id": lane} if lane else {})

    loading = asyncio.create_task(load(url(served), calls(), 4, answers.append))
    try:
        yield answers
    finally:
        stopped.set()
        await loading
