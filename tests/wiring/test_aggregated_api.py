"""``api.laneway.dev`` in a cluster, through an API server that aggregates it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
import yaml
from tests.e2e.kubectls import VERSIONS, Kubectl, program
from tests.faces.operator.certificate_authorities import Authority
from tests.wiring.aggregated_apis import Served, served, write
from tests.wiring.aggregating_clusters import SERVICE_NAME, AggregatingCluster, authorities
from tests.wiring.api_servers import API, lane

from laneway.adapters.http import bodies
from laneway.apiserver.virtual_resources import ELSEWHERE, IN_CLUSTERS, VIRTUAL

pytestmark = pytest.mark.slow

EXPLAIN = {"request": {"headers": {"x-lane": "s1"}}}


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    return authorities(tmp_path_factory.mktemp("authorities"))


@pytest.fixture
async def found(tmp_path: Path, made: tuple[Authority, Authority]) -> AsyncIterator[Served]:
    async with served(tmp_path, made) as found:
        yield found


async def test_a_review_is_answered_from_the_clusters_objects(found: Served) -> None:
    code, answer = await found.cluster.create("explanations", "Explanation", EXPLAIN)
    assert code == 201, answer
    assert [hop["servedLane"] for hop in answer["status"]["hops"]] == ["s1"]
    code, answer = await found.cluster.create("analyses", "Analysis", {})
    assert (code, answer["status"]["findings"]) == (201, [])
    code, answer = await found.cluster.create("renderings", "Rendering", {"dialect": "istio"})
    assert code == 201, answer
    assert "VirtualService" in {each["kind"] for each in answer["status"]["documents"]}


async def test_a_review_follows_the_cluster(found: Served) -> None:
    before = found.objects.revision
    await write(found.cluster, lane("s2"))
    async with asyncio.timeout(30):
        while found.objects.revision == before:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    spec = {"request": {"headers": {"x-lane": "s2"}}}
    _, answer = await found.cluster.create("explanations", "Explanation", spec)
    assert [hop["servedLane"] for hop in answer["status"]["hops"]] == ["s2"]


async def test_the_cluster_decides_who_may_ask(found: Served) -> None:
    code, answer = await found.cluster.create("explanations", "Explanation", EXPLAIN, "joe")
    assert code == 403
    assert answer["reason"] == "Forbidden"
    assert answer["message"] == (
        'explanations.api.laneway.dev is forbidden: User "joe" cannot create resource '
        '"explanations" in API group "api.laneway.dev" at the cluster scope: no rule allows it'
    )
    assert [spec["user"] for spec in found.cluster.reviews] == ["joe"]


async def test_nothing_is_read_of_who_may_not_ask(found: Served) -> None:
    path = f"/apis/{API}/explanations"
    assert (await found.cluster.ask("POST", path, b"{", "joe"))[0] == 403
    assert (await found.cluster.ask("POST", path, b"{"))[0] == 400


async def test_where_the_cluster_does_not_decide_nothing_is_allowed(
    tmp_path: Path, made: tuple[Authority, Authority]
) -> None:
    async with served(tmp_path, made) as found:
        del found.cluster.users["operator"]
        code, answer = await found.cluster.create("explanations", "Explanation", EXPLAIN)
        assert (code, "does not say what jane may do" in answer["message"]) == (503, True)


async def test_headers_of_the_user_are_not_passed_on(found: Served) -> None:
    """That is the API server's part; the operator could not tell."""
    fake = {"X-Remote-User": "jane", "X-Remote-Group": "dev"}
    path, body = f"/apis/{API}/explanations", {"apiVersion": API, "kind": "Explanation"}
    assert (await found.cluster.ask("POST", path, body, "joe", **fake))[0] == 403


async def test_who_goes_past_the_api_server_is_not_answered(found: Served) -> None:
    context = found.cluster.own.trusting()
    url = f"https://127.0.0.1:{found.api.port}/apis/{API}/explanations"
    headers = {"X-Remote-User": "jane", "X-Remote-Group": "system:masters"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in (url, f"https://127.0.0.1:{found.api.port}/apis"):
            async with session.post(path, ssl=context, server_hostname=SERVICE_NAME) as answer:
                assert answer.status == 401
    assert found.cluster.reviews == []


async def test_discovery_names_what_is_served_and_no_more(found: Served) -> None:
    code, listed = await found.cluster.ask("GET", f"/apis/{API}", token="joe")
    assert code == 200
    assert [each["name"] for each in listed["resources"]] == [
        "changesets",
        "previews",
        "explanations",
        "analyses",
        "renderings",
    ]
    code, document = await found.cluster.ask("GET", f"/openapi/v3/apis/{API}", token="joe")
    assert (code, f"/apis/{API}/explanations" in document["paths"]) == (200, True)
    assert f"/apis/{API}/revisions" not in document["paths"]
    # Where there is no such operation, kubectl lists CRDs, which users like joe may not do.
    for each in listed["resources"]:
        patch = document["paths"][f"/apis/{API}/{each['name']}/{{name}}"]["patch"]
        assert patch["x-kubernetes-group-version-kind"]["kind"] == each["kind"]
        assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
        assert list(patch["responses"]) == ["405"]


async def test_aggregated_discovery_is_refused_so_that_plain_discovery_is_asked(
    found: Served,
) -> None:
    wanted = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    forwarded = found.cluster
    async with front_proxy(forwarded, found.api.port) as session:
        url = f"https://127.0.0.1:{found.api.port}/apis"
        for accept, code in ((wanted, 406), (f"{wanted},application/json", 200), ("*/*", 200)):
            async with session.get(
                url,
                headers={"Accept": accept, "X-Remote-User": "system:kube-aggregator"},
                server_hostname=SERVICE_NAME,
            ) as answer:
                assert answer.status == code, accept


@asynccontextmanager
async def front_proxy(
    cluster: AggregatingCluster, port: int
) -> AsyncIterator[aiohttp.ClientSession]:
    context = cluster.own.trusting()
    folder = cluster.proxies.folder / "proxy"
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def test_a_cluster_answers_each_kind_or_says_where_it_is() -> None:
    own = {each.plural for each in VIRTUAL if each.group == "api.laneway.dev"}
    assert own - {each.plural for each in IN_CLUSTERS} <= ELSEWHERE.keys()


async def test_what_serve_alone_has_is_said_to_be_there(found: Served) -> None:
    for plural in ELSEWHERE:
        for method, path in (("GET", plural), ("POST", plural), ("GET", f"{plural}/1")):
            code, answer = await found.cluster.ask(method, f"/apis/{API}/{path}")
            assert code == 404, (method, path)
            assert answer["message"].startswith(f"`laneway serve` and `laneway up` have {plural}: ")
    code, answer = await found.cluster.ask("GET", f"/apis/{API}/nothing")
    assert (code, answer["message"]) == (404, "the server could not find the requested resource")


WRONG: list[tuple[str, str, Any, str]] = [
    ("explanations", "Explanation", {"revision": 3}, "a cluster keeps no history"),
    ("explanations", "Explanation", {"requst": {}}, "did you mean request?"),
    ("explanations", "Explanation", {"gateway": "entri"}, "did you mean default/entry?"),
    ("renderings", "Rendering", {"dialect": "envoy"}, "there is no dialect envoy here"),
]


async def test_what_is_wrong_is_said(found: Served) -> None:
    for plural, kind, spec, said in WRONG:
        code, answer = await found.cluster.create(plural, kind, spec)
        assert (code, said in answer["message"]) == (422, True), answer


async def test_a_body_that_is_too_large_is_not_read(found: Served) -> None:
    body = b" " * (bodies.MOST_BYTES + 1)
    code, answer = await found.cluster.ask("POST", f"/apis/{API}/explanations", body)
    assert (code, answer["reason"]) == (413, "RequestEntityTooLarge")


async def test_a_body_that_does_not_come_holds_up_nobody(
    found: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    context = found.cluster.own.trusting()
    folder = found.cluster.proxies.folder / "proxy"
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", found.api.port, ssl=context, server_hostname=SERVICE_NAME
    )
    head = f"POST /apis/{API}/explanations HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n"
    writer.write(f"{head}x-remote-user: jane\r\nx-remote-group: dev\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    assert (await found.cluster.create("explanations", "Explanation", EXPLAIN))[0] == 201


async def test_a_new_front_proxy_is_believed_and_the_old_one_no_longer(
    found: Served, tmp_path: Path
) -> None:
    _, proxies = authorities(tmp_path)
    assert (await found.cluster.create("explanations", "Explanation", EXPLAIN))[0] == 201
    old = found.cluster.proxies
    url = f"https://127.0.0.1:{found.api.port}/apis"
    async with front_proxy(found.cluster, found.api.port) as standing:
        headers = {"X-Remote-User": "jane"}
        async with standing.get(url, headers=headers, server_hostname=SERVICE_NAME) as answer:
            assert answer.status == 200
        found.cluster.proxies = proxies
        await found.cluster.configure()
        await found.looks.next()
        with pytest.raises(aiohttp.ClientError):
            await standing.get(url, headers=headers, server_hostname=SERVICE_NAME)
    assert (await found.cluster.create("explanations", "Explanation", EXPLAIN))[0] == 201
    found.cluster.proxies = old
    with pytest.raises((ValueError, aiohttp.ClientError)):
        await found.cluster.create("explanations", "Explanation", EXPLAIN)


async def test_a_configuration_that_breaks_leaves_what_was_there(found: Served) -> None:
    for wrong in ("no certificate", "é"):
        await found.cluster.configure(**{"requestheader-client-ca-file": wrong})
        await found.looks.next()
    await found.cluster.configure(**{"requestheader-username-headers": "[]"})
    await found.looks.next()
    assert (await found.cluster.create("explanations", "Explanation", EXPLAIN))[0] == 201


async def test_a_certificate_of_laneways_own_making_is_trusted(
    tmp_path: Path, made: tuple[Authority, Authority]
) -> None:
    async with served(tmp_path, made, own_certificate=True) as found:
        assert (await found.cluster.create("explanations", "Explanation", EXPLAIN))[0] == 201


async def test_it_waits_for_what_it_lacks(
    tmp_path: Path, made: tuple[Authority, Authority]
) -> None:
    async with served(tmp_path, made, wait=False) as found:
        await found.cluster.rest.drop(
            "configmaps", "kube-system", "extension-apiserver-authentication"
        )
        await found.looks.taken.wait()
        for _ in range(2):
            await found.looks.next()
        await found.cluster.configure()
        found.looks.asked.set()
        async with asyncio.timeout(30):
            await found.api.serving.wait()


@pytest.mark.parametrize("version", VERSIONS)
async def test_kubectl_asks_through_the_api_server(found: Served, version: str) -> None:
    if (path := program(version)) is None:
        pytest.skip(f"kubectl {version} is not installed: `make develop` installs it")
    kubectl = Kubectl(path, found.cluster.kubeconfig("jane"))
    asked = {"apiVersion": API, "kind": "Explanation", "spec": EXPLAIN}
    answer = await kubectl("create", "-f", "-", "-o", "yaml", given=asked)
    assert [hop["servedLane"] for hop in yaml.safe_load(answer)["status"]["hops"]] == ["s1"]
    wrong = {**asked, "spec": {"requst": {}}}
    assert "did you mean request?" in await kubectl("create", "-f", "-", given=wrong, fails=True)
    listed = await kubectl("api-resources", "--api-group=api.laneway.dev", "-o", "name")
    assert listed.split() == [
        "analyses.api.laneway.dev",
        "changesets.api.laneway.dev",
        "explanations.api.laneway.dev",
        "previews.api.laneway.dev",
        "renderings.api.laneway.dev",
    ]
    other = Kubectl(path, found.cluster.kubeconfig("joe", "other"))
    said = await other("create", "-f", "-", given=asked, fails=True)
    assert 'User "joe" cannot create resource "explanations"' in said
