"""The article's steps by the console alone, in a real browser, then requests through the lanes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.e2e.browser_walks import programs, walk
from tests.e2e.clients import Call, load
from tests.e2e.scenarios import EXAMPLES, EXPECTED

from laneway.model.names import ObjectName
from laneway.wiring.embedded import Settings
from laneway.wiring.serving import ServeSettings, Serving

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

GATEWAY = ObjectName("istio-system", "ingressgateway")
ROUTE_HEADER = {1: "x-asm-prefer-tag", 2: "my-request-id"}
COLLECTIONS = {
    "Gateway": "/apis/networking.istio.io/v1beta1/namespaces/{}/gateways",
    "Service": "/api/v1/namespaces/{}/services",
    "Workload": "/apis/laneway.dev/v1alpha1/namespaces/{}/workloads",
}

#: A version of mockb that passes another header on than the lanes need.
LOSING: dict[str, Any] = {
    "apiVersion": "laneway.dev/v1alpha1",
    "kind": "Workload",
    "metadata": {"name": "mockb-v9", "labels": {"app": "mockb", "ASM_TRAFFIC_TAG": "v9"}},
    "spec": {
        "command": ["laneway-mock"],
        "env": {
            "app": "mockb",
            "version": "v9",
            "upstream_url": "http://mockc:8000/",
            "bind": "127.0.0.1:$(PORT)",
            "header": "x-other",
        },
        "ports": [{"name": "http", "port": 8000}],
        "readiness": {"httpGet": {"path": "/healthz"}},
    },
}


async def deploy(data: Path, scenario: int) -> None:
    """The article's first step: what stands in a cluster before anybody opens the console."""
    folder = EXAMPLES / f"scenario-{scenario}"
    transport = httpx.AsyncHTTPTransport(uds=str(data / "api.sock"))
    async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
        texts = [(folder / name).read_text() for name in ("lanes.yaml", "workloads.yaml")]
        for each in (*yaml.safe_load_all("\n---\n".join(texts)), LOSING):
            if each["kind"] in COLLECTIONS:
                namespace = each["metadata"].get("namespace", "default")
                path = COLLECTIONS[each["kind"]].format(namespace)
                answer = await client.post(path, json=each)
                assert answer.status_code == 201, answer.text


async def viewers_token(data: Path) -> str:
    transport = httpx.AsyncHTTPTransport(uds=str(data / "api.sock"))
    async with httpx.AsyncClient(transport=transport, base_url="http://laneway") as client:
        answer = await client.post(
            "/apis/api.laneway.dev/v1alpha1/tokens",
            json={"spec": {"name": "jill", "scopes": ["view"]}},
        )
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["status"]["token"]
        return token


@pytest.mark.parametrize(("scenario", "language"), [(1, "zh-CN"), (2, "en")])
async def test_the_articles_walk(tmp_path: Path, scenario: int, language: str) -> None:
    programs()
    mesh = Settings(free_gateway_ports=True, concurrency=1, access_log=True)
    settings = ServeSettings(tmp_path / "data", mesh=mesh, console=("127.0.0.1", 0))
    async with Serving(settings) as served:
        await deploy(tmp_path / "data", scenario)
        viewer = await viewers_token(tmp_path / "data")
        shots = os.environ.get("LANEWAY_SCREENSHOTS", "")
        walked = (served.sign_in_link(), str(scenario), language, viewer)
        found = await walk("article.mjs", *walked, *([shots] if shots else []))
        url = served.embedded.gateway_urls()[GATEWAY][80]
        for lane, expected in EXPECTED.items():
            calls = [
                Call("/mock", {"my-request-id": f"x000{number}", ROUTE_HEADER[scenario]: lane})
                for number in range(100)
            ]
            answers = await load(url, calls)
            assert {each.body for each in answers} == {expected}
    assert not found["errors"], "\n".join(found["errors"])
    assert not found["faults"], "\n".join(found["faults"])
    assert found["strangers"] == [], "requests that leave the server"
    assert found["stored"]["cookies"] == ""
    assert found["revoked"] == 401, "the token is worth nothing after signing out"
    assert "is not a legal name" in found["refused"][-1], "the server's own words"
    if language == "en":
        assert len(found["refused"]) == 1
        check_pages(found["pages"])
    else:
        assert found["refused"][0] == "值无效。"
        titles = "流量 实时请求 请求测试 分析结果 生成的配置 代理 变更历史"
        assert [title for title, _ in found["pages"].values()] == titles.split()
        assert all(tab == f"{title} · laneway" for title, tab in found["pages"].values())
        assert found["viewed"]["refused"] == [], "a viewer is offered nothing that fails"
        assert "#/findings, Analyze again" in found["viewed"]["pressed"]
    assert "sign-in" not in found["stored"]["fragment"]
    assert [name.split(",")[0].split("，")[0] for name in found["keyboard"]] == [
        *("s1", "s1", "s2", "s2", "s3", "s3")
    ]


def check_pages(found: dict[str, Any]) -> None:
    """What the walk saw on the pages beyond the article's own."""
    assert " ".join(found["disabled"].split()) == (
        "Before mocka s1 instead of s3 mockb s1 instead of s3 mockc s1 instead of s3 "
        "After mocka s1 instead of s3 mockb s3 mockc s1 instead of s3"
    )
    shares = ["0%", "98%", "2%"]
    assert found["weights"] == {"shares": shares, "written": shares}
    check_trial(found["tried"])
    check_lost_calls(*found["lost"])
    assert found["fixed"] == 0, "findings that are left"
    assert found["watched"] == ["mocka-v1", "mockb(default)", "s3", "200"]
    assert found["traffic"][2] == [
        *("s3", "mocka(default)", "→ s1"),
        *("mockb(default)", "1/1 ready", "mockc(default)", "→ s1"),
    ]
    assert found["download"] == "laneway-istio.yaml"
    assert "EnvoyFilter" in found["compared"]
    assert found["proxies"] == "11 of 11 connected, 11 in sync"
    assert found["rolledBack"] == ["- 98", "+ 0"]


def check_lost_calls(english: list[str], chinese: list[str]) -> None:
    title, evidence, fix = english
    assert title == "mockb(default) of lane s9 calls on without its lane"
    assert re.sub(r"last \d+ min", "last minutes", evidence) == (
        "20 of 20 calls (100%) of mockb-v9(default) named no lane while all requests inside were "
        "of lanes, in the last minutes: 20 without my-request-id, 0 with another value of it."
    )
    assert fix == (
        "Pass on my-request-id from each request to the calls that it leads to. "
        "For calls on its own behalf, set callsWithoutLane: ownLane."
    )
    assert chinese[0] == "泳道 s9 的 mockb(default) 调用下游时丢失了泳道"
    assert "20 次调用中有 20 次（100%）没有指明泳道" in chinese[1]


def check_trial(tried: dict[str, Any]) -> None:
    assert tried["before"] == 0, "opening a link sends nothing"
    assert tried["hops"] == [
        "From the gateway to mocka(default) As predicted",
        "From mocka(default) to mockb(default) As predicted",
        "From mockb(default) to mockc(default) As predicted",
    ]
    assert [each.split() for each in tried["counted"]] == [
        [lane, "20", "requests"] for lane in ("s1", "s3", "s1")
    ]
    (answer,) = tried["answers"]
    assert answer.startswith("200 × 20")
    assert "mockb(version: v3" in answer
    assert "lane=test%2Fs3" in tried["link"]
