"""The article's two scenarios through a real gateway and real sidecars.

Needs what the other tests need not: Istio, with its ingress gateway and injection, laneway's
operator, and nodes that run pods. ``LANEWAY_GATEWAY`` is the ingress gateway's Service, as
``namespace/name:port``; requests reach it through the API server, so nothing needs to be exposed.
"""

from __future__ import annotations

import os
import re
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
import yaml
from tests.cluster.administrators import Administrator, ApiError, administrating
from tests.cluster.sandboxes import until

from laneway.adapters.kube import credentials

EXAMPLES = Path(__file__).parents[2] / "examples" / "kubernetes"
GATEWAY = os.environ.get("LANEWAY_GATEWAY", "istio-system/istio-ingressgateway:80")
PATHS = {
    "s1": ["mocka v1", "mockb v1", "mockc v1"],
    "s2": ["mocka v2", "mockb v1", "mockc v2"],
    "s3": ["mocka v1", "mockb v3", "mockc v1"],
}
#: Seconds for images to be pulled and pods to become ready.
PATIENCE = 300

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scenario", ["scenario-1", "scenario-2"])
async def test_scenario(scenario: str) -> None:
    documents = [
        document
        for path in sorted((EXAMPLES / scenario).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document
    ]
    assert documents, f"{EXAMPLES / scenario} holds no documents"
    (group,) = (d["spec"] for d in documents if d["kind"] == "LaneGroup")
    async with administrating(credentials.find()) as admin, AsyncExitStack() as cleanup:
        if why := await lacking(admin):
            pytest.skip(why)
        for document in documents:
            await admin.apply(document)
            cleanup.push_async_callback(admin.delete, document)
        lanes = [document for document in documents if document["kind"] == "Lane"]
        for lane in lanes:
            await until(partial(ready, admin, lane), PATIENCE)
        for lane, path in PATHS.items():
            for number in range(100):
                trace = {group["traceHeader"]: f"{lane}-{number}"}
                assert await call(admin, {**trace, group["routeHeader"]: lane}) == path, lane


async def lacking(admin: Administrator) -> str:
    """What the cluster has not of what requests need; "" if it has all."""
    namespace, _, service = GATEWAY.partition("/")
    needed = {
        "nodes that run pods": ("v1", "Node", "", ""),
        "istiod": ("v1", "Pod", "app=istiod", ""),
        f"a Service {namespace}/{service}, which LANEWAY_GATEWAY names": ("v1", "Service", "", ""),
        "laneway's operator": ("v1", "Pod", "app.kubernetes.io/name=laneway", ""),
    }
    for what, (version, kind, selector, where) in needed.items():
        found = await admin.list(version, kind, selector, where)
        if kind in ("Pod", "Node"):
            found = [item for item in found if _is_ready(item)]
        if kind == "Service":
            wanted = namespace, service.partition(":")[0]
            found = [
                i for i in found if (i["metadata"]["namespace"], i["metadata"]["name"]) == wanted
            ]
        if not found:
            return f"the cluster lacks {what}"
    return ""


def _is_ready(item: dict[str, object]) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or ()  # type: ignore[attr-defined]
    return ("Ready", "True") in [(c["type"], c["status"]) for c in conditions]


async def ready(admin: Administrator, lane: dict[str, object]) -> bool:
    """It is programmed and has its instances."""
    return _is_ready(await admin.get(lane) or {})


async def call(admin: Administrator, headers: dict[str, str]) -> list[str]:
    """The services that answered, with their versions, in order."""
    namespace, _, service = GATEWAY.partition("/")
    path = f"/api/v1/namespaces/{namespace}/services/{service}/proxy/mock"
    async with admin.session.get(path, headers=headers) as response:
        text = await response.text()
        if response.status != 200:
            raise ApiError(response.status, text)
    return [" ".join(hop) for hop in re.findall(r"(mock[abc])\(version: (v\d)", text)]
