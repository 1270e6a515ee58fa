"""The webhook over real HTTPS: reviews and their answers, malformed ones, certificates renewed."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from tests.adapters.kube.api_servers import ApiServer, client_of
from tests.adapters.kube.api_servers import serving as serving_api
from tests.faces.operator.certificate_authorities import Authority, authority
from tests.wiring.declared_objects import declare, group, lane

from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.faces.operator.certificates import Certificate
from laneway.faces.operator.serving import serve
from laneway.faces.operator.webhook import WARNING, WARNINGS, application, serving
from laneway.wiring.live_admission import LiveAdmission

Object = dict[str, Any]


@pytest.fixture(autouse=True)
def _logging() -> None:
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority") / "one")


@dataclass(frozen=True)
class Webhook:
    url: str
    session: aiohttp.ClientSession
    api: ApiServer
    admissions: LiveAdmission

    async def post(self, body: object, path: str = "/validate") -> tuple[int, str]:
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self.session.post(self.url + path, data=data) as response:
            return response.status, await response.text()

    async def ask(
        self, item: object, before: object = None, operation: str = "CREATE", **more: object
    ) -> Object:
        """The response to a review."""
        status, text = await self.post(review(item, before, operation, **more))
        assert status == 200, text
        answer = json.loads(text)
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        response: Object = answer["response"]
        assert response["uid"] == "705ab4f5"
        return response


def review(item: object, before: object, operation: str, **more: object) -> Object:
    request = {
        "uid": "705ab4f5",
        "operation": operation,
        "object": item,
        "oldObject": before,
        "dryRun": False,
        **more,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


@asynccontextmanager
async def serving_webhook(folder: Path, issuer: Authority) -> AsyncIterator[Webhook]:
    """Two services with two versions each, group g, lanes v1 and v2, and the webhook."""
    issuer.issue(folder)
    connector = aiohttp.TCPConnector(ssl=issuer.trusting())
    async with (
        serving_api() as api,
        client_of(api) as client,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        await declare(api)
        objects = DeclaredObjects(client)
        admissions = LiveAdmission(objects)
        watching = asyncio.create_task(objects.run())
        try:
            async with asyncio.timeout(10):
                while not admissions.informed:  # noqa: ASYNC110 - told by another's watch
                    await asyncio.sleep(0.005)
            async with serving(admissions.judge, folder, "127.0.0.1", 0) as port:
                yield Webhook(f"https://127.0.0.1:{port}", session, api, admissions)
        finally:
            watching.cancel()
            await asyncio.wait([watching])


@pytest.fixture
async def webhook(tmp_path: Path, issuer: Authority) -> AsyncIterator[Webhook]:
    async with serving_webhook(tmp_path / "tls", issuer) as found:
        yield found


async def test_what_is_right_is_allowed_without_a_word(webhook: Webhook) -> None:
    for dry_run in (False, True):
        answer = await webhook.ask(lane("v3", "a"), dryRun=dry_run)
        assert answer == {"uid": "705ab4f5", "allowed": True}
    assert webhook.api.writes == []


async def test_an_error_is_refused_with_the_field_and_the_fix(webhook: Webhook) -> None:
    wrong = lane("v3", "a", servces=["a"])
    answer = await webhook.ask(wrong)
    assert answer["allowed"] is False
    assert answer["status"] == {
        "code": 422,
        "reason": "Invalid",
        "message": "UNKNOWN_FIELD: Lane g/v3, spec.servces: unknown field `servces`; "
        "did you mean services?",
    }


async def test_what_may_still_come_is_a_warning(webhook: Webhook) -> None:
    answer = await webhook.ask(lane("v3", of="later"))
    assert answer["allowed"] is True
    (warning,) = answer["warnings"]
    assert warning.startswith("UNKNOWN_GROUP: Lane later/v3, spec.group: there is no lane group")


async def test_a_contradiction_is_refused_once_it_is_known(webhook: Webhook) -> None:
    answer = await webhook.ask(group("a", name="h"))
    assert answer["allowed"] is False
    assert "SERVICE_IN_TWO_GROUPS: LaneGroup h, spec.services[0]" in answer["status"]["message"]


async def test_an_update_that_leaves_a_lane_behind_is_told(webhook: Webhook) -> None:
    answer = await webhook.ask(group("a"), group("a", "b"), "UPDATE")
    assert answer["allowed"] is True
    assert any("Lane g/v2" in warning for warning in answer["warnings"])


async def test_it_keeps_up_with_the_cluster(webhook: Webhook) -> None:
    await webhook.api.write("lanegroups", group("a", name="h"))
    async with asyncio.timeout(10):
        while (await webhook.ask(lane("h1", of="h"))).get("warnings"):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_uninformed_it_judges_each_object_by_itself(
    tmp_path: Path, issuer: Authority
) -> None:
    async with serving_api() as api, client_of(api) as client:
        admissions = LiveAdmission(DeclaredObjects(client))
        assert not admissions.informed
        assert (await admissions.judge(lane("v3", of="later"), None)).warnings == ()
        assert (await admissions.judge(lane("v3", wrong=1), None)).denials


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
async def test_nothing_is_said_of_deletions(webhook: Webhook, operation: str) -> None:
    answer = await webhook.ask(None, lane("v1"), operation)
    assert answer == {"uid": "705ab4f5", "allowed": True}


async def test_other_kinds_are_none_of_its_business(webhook: Webhook) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": 1}
    assert (await webhook.ask(service))["allowed"] is True


async def test_an_object_of_a_strange_shape_is_refused_not_stumbled_over(webhook: Webhook) -> None:
    odd = lane("v3")
    specs: list[object] = [None, [], "x", {"group": ["g"]}, {"group": "g", "selector": {"a": None}}]
    for spec in specs:
        answer = await webhook.ask({**odd, "spec": spec})
        assert answer["allowed"] is False, spec
    nameless = {**odd, "metadata": {"generateName": "x-"}}
    assert (await webhook.ask(nameless, name="x-1"))["allowed"] is True


MALFORMED = [
    (b"", "the body is not JSON"),
    (b"{", "the body is not JSON"),
    (b"\xff", "the body is not JSON"),
    ([], "expected an AdmissionReview"),
    ({"kind": "Lane"}, "expected an AdmissionReview"),
    (
        {"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"},
        "expected admission.k8s.io/v1, not admission.k8s.io/v1beta1",
    ),
    ({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, "no request with a uid"),
    (review(None, None, "CREATE"), "the request to CREATE has no object with metadata"),
    (review({"metadata": 1}, None, "UPDATE"), "the request to UPDATE has no object with metadata"),
]


@pytest.mark.parametrize(("body", "said"), MALFORMED, ids=lambda value: str(value)[:40])
async def test_malformed_reviews_are_answered_400(
    webhook: Webhook, body: object, said: str
) -> None:
    status, text = await webhook.post(body)
    assert status == 400
    assert said in text


async def test_too_large_a_body_is_not_read(webhook: Webhook) -> None:
    status, _ = await webhook.post(b" " * (9 * 1024 * 1024))
    assert status == 413


async def test_other_paths_and_methods_are_not_served(webhook: Webhook) -> None:
    assert (await webhook.post({}, "/other"))[0] == 404
    async with webhook.session.get(webhook.url + "/validate") as response:
        assert response.status == 405


async def test_warnings_fit_into_what_the_api_server_passes_on(webhook: Webhook) -> None:
    many = [f"service-{number:03}-{'x' * 40}" for number in range(60)]
    answer = await webhook.ask(group(*many, name="h"))
    assert answer["allowed"] is True
    assert max(map(len, answer["warnings"])) <= WARNING
    assert sum(map(len, answer["warnings"])) <= WARNINGS
    # Of each service that is not there, and of the group that has no lane yet.
    assert answer["warnings"][-1] == "and 46 more: see the condition Accepted"


async def test_a_renewed_certificate_is_served_without_a_restart(
    tmp_path: Path, issuer: Authority
) -> None:
    folder, other = tmp_path / "tls", authority(tmp_path / "two")
    issuer.issue(folder)
    certificate = Certificate(folder)
    certificate.look()

    async def reached(who: Authority, port: int) -> bool:
        connector = aiohttp.TCPConnector(ssl=who.trusting())
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                async with session.get(f"https://127.0.0.1:{port}/validate") as response:
                    return response.status == 405
            except aiohttp.ClientConnectorCertificateError:
                return False

    async def never(*_: object) -> Any:
        raise AssertionError

    async with serve(application(never), "127.0.0.1", 0, certificate.context) as port:
        assert (await reached(issuer, port), await reached(other, port)) == (True, False)
        kept = (folder / "tls.key").read_bytes()
        other.issue(folder)
        renewed = (folder / "tls.key").read_bytes()
        for unfit in (kept, b"", b"no key"):
            (folder / "tls.key").write_bytes(unfit)
            certificate.look()
            assert (await reached(issuer, port), await reached(other, port)) == (True, False)
        (folder / "tls.key").write_bytes(renewed)
        certificate.look()
        assert (await reached(issuer, port), await reached(other, port)) == (False, True)


async def test_it_waits_for_a_certificate_that_is_not_there_yet(
    tmp_path: Path, issuer: Authority
) -> None:
    certificate = Certificate(tmp_path / "tls")
    looked = 0

    async def pause(_: float) -> None:
        nonlocal looked
        looked += 1
        if looked == 2:
            issuer.issue(tmp_path / "tls")
        await asyncio.sleep(0)

    following = asyncio.create_task(certificate.follow(pause))
    async with asyncio.timeout(30):
        await certificate.loaded.wait()
    following.cancel()
    await asyncio.wait([following])
    assert looked >= 2


async def test_plain_text_is_not_answered(webhook: Webhook) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(webhook.url.replace("https", "http") + "/validate", json={})


def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    assert Certificate(tmp_path).context.minimum_version >= ssl.TLSVersion.TLSv1_2
