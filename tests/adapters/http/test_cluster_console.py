"""The console in a cluster: a narrow way to the API server, with the caller's own token alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.http.callers_apis import TOKEN, Shown, built, shown

from laneway.adapters.http import bodies, cluster_console
from laneway.apiserver.callers_api import ApiUnreachable

LANES = "/apis/laneway.dev/v1alpha1/lanes"
OWN = "/apis/api.laneway.dev/v1alpha1"
BODY = {"kind": "Lane"}


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Shown]:
    async with shown(built(tmp_path / "dist"), "lanes.example.com") as found:
        yield found


async def test_a_request_is_passed_on_with_the_callers_token(found: Shown) -> None:
    found.api.answer(f"POST {LANES}.*", 201, {"kind": "Lane", "made": True})
    query = {"fieldManager": "laneway-console", "dryRun": "All"}
    answer = await found.client.post(LANES, json=BODY, params=query, headers=TOKEN)
    assert (answer.status_code, answer.json()) == (201, {"kind": "Lane", "made": True})
    ((token, method, target, body, kind),) = found.api.asked
    assert (token, method, kind) == ("jills", "POST", "application/json")
    assert target == f"{LANES}?fieldManager=laneway-console&dryRun=All"
    assert json.loads(body) == BODY


async def test_without_a_token_nothing_is_asked(found: Shown) -> None:
    found.api.answer(".*", 200, {})
    for path in (f"{OWN}/identity", f"{OWN}/events?resource=services", LANES, "/api/v1/secrets"):
        for headers in ({}, {"authorization": "Basic YTpi"}, {"cookie": "token=jills"}):
            answer = await found.client.request("GET", path, headers=headers)
            assert answer.status_code == 401, (path, headers)
            assert answer.json()["reason"] == "Unauthorized"
    assert (await found.client.post(LANES, json=BODY)).status_code == 401
    assert found.api.asked == []


@pytest.mark.parametrize(
    "name", ["Impersonate-User", "impersonate-group", "IMPERSONATE-Extra-x", "Impersonate-Uid"]
)
async def test_nobody_is_impersonated(found: Shown, name: str) -> None:
    found.api.answer(".*", 200, {})
    headers = {**TOKEN, name: "system:masters"}
    assert (await found.client.post(LANES, json=BODY, headers=headers)).status_code == 403
    assert (await found.client.get(f"{OWN}/identity", headers=headers)).status_code == 403
    stream = f"{OWN}/events?resource=services"
    assert (await found.client.get(stream, headers=headers)).status_code == 403
    assert found.api.asked == []


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/secrets",
        f"{LANES}/%2e%2e",
        f"{LANES}/s2%2Fstatus",
        f"{LANES}/%73%32",
        "/apis/laneway%2edev/v1alpha1/lanes",
        "/apis//laneway.dev/v1alpha1/lanes",
        "//apis/laneway.dev/v1alpha1/lanes",
        f"{LANES}/../../../../api/v1/secrets",
        f"{LANES}/..;/x",
        f"{LANES}%00",
        f"{LANES}/",
        "/console/../api/v1/secrets",
        "/console/%2e%2e/api/v1/secrets",
        f"http://127.0.0.1{LANES}",
    ],
)
async def test_paths_are_taken_as_they_were_sent(found: Shown, target: str) -> None:
    found.api.answer(".*", 200, {})
    code, _ = await found.raw(
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer jills\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    assert code == 404
    assert found.api.asked == []


async def test_the_api_servers_refusal_is_the_answer(found: Shown) -> None:
    status = {"kind": "Status", "message": "lanes is forbidden", "code": 403}
    found.api.answer(f"POST {LANES}.*", 403, status)
    answer = await found.client.post(LANES, json=BODY, headers=TOKEN)
    assert (answer.status_code, answer.json()) == (403, status)


async def test_only_harmless_headers_of_the_answer_are_passed_back(found: Shown) -> None:
    found.api.answer(
        f"POST {LANES}.*",
        429,
        {},
        set_cookie="session=1",
        location="http://elsewhere",
        access_control_allow_origin="*",
        audit_id="1",
        warning='299 - "old"',
        retry_after="1",
    )
    answer = await found.client.post(LANES, json=BODY, headers=TOKEN)
    assert set(answer.headers) - {"date", "transfer-encoding"} == {
        *("warning", "retry-after", "content-type", "cache-control"),
        *("x-content-type-options", "cross-origin-resource-policy"),
    }
    assert (answer.headers["warning"], answer.headers["retry-after"]) == ('299 - "old"', "1")
    assert answer.headers["cache-control"] == "no-store"


async def test_an_answer_is_never_a_page(found: Shown) -> None:
    found.api.answer(f"POST {LANES}.*", 200, b"<script>", content_type="text/html")
    answer = await found.client.post(LANES, json=BODY, headers=TOKEN)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_redirect_is_not_passed_back(found: Shown) -> None:
    found.api.answer(f"POST {LANES}.*", 302, {}, location="http://elsewhere")
    answer = await found.client.post(LANES, json=BODY, headers=TOKEN)
    assert (answer.status_code, "location" in answer.headers) == (502, False)


async def test_an_api_server_that_is_away_is_said(found: Shown) -> None:
    found.api.answers[".*"] = ApiUnreachable("the cluster's API server does not answer in time")
    for answer in (
        await found.client.post(LANES, json=BODY, headers=TOKEN),
        await found.client.get(f"{OWN}/identity", headers=TOKEN),
        await found.client.get(f"{OWN}/events?resource=services", headers=TOKEN),
    ):
        assert answer.status_code == 502
        assert answer.json()["message"] == "the cluster's API server does not answer in time"


async def test_an_answer_that_breaks_off_does_not_look_complete(found: Shown) -> None:
    found.api.answer(f"POST {LANES}.*", 200, ApiUnreachable("lost"))
    code, text = await found.raw(
        f"POST {LANES} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer jills\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    assert code == 200
    assert "half" in text
    assert not text.endswith("0\r\n\r\n")


async def test_a_body_is_limited(found: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_BYTES", 100)
    found.api.answer(".*", 200, {})
    answer = await found.client.post(LANES, json={"x": "y" * 100}, headers=TOKEN)
    assert answer.status_code == 413
    assert found.api.asked == []


async def test_requests_at_once_are_limited(found: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_console, "MOST_AT_ONCE", 2)
    found.api.answer(f"POST {LANES}.*", 200, {})
    gate = asyncio.Event()
    found.api.wait = gate.wait

    async def post() -> int:
        return (await found.client.post(LANES, json=BODY, headers=TOKEN)).status_code

    first = [asyncio.create_task(post()) for _ in range(2)]
    async with asyncio.timeout(30):
        while found.api.open < 2:
            await asyncio.sleep(0.005)
    third = asyncio.create_task(post())
    await asyncio.wait({third}, timeout=20)
    assert third.done(), "a third request is let in"
    assert await third == 503
    gate.set()
    assert [await each for each in first] == [200, 200]
    assert await post() == 200


async def test_a_browser_that_hangs_up_ends_the_request(found: Shown) -> None:
    found.api.answer(f"POST {LANES}.*", 200, {})
    gate = asyncio.Event()
    found.api.wait = gate.wait
    task = asyncio.create_task(found.client.post(LANES, json=BODY, headers=TOKEN))
    async with asyncio.timeout(30):
        while found.api.open < 1:
            await asyncio.sleep(0.005)
        task.cancel()
        while found.api.open:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "evil.example.com"}, 403),
        ({"host": "10.0.0.1"}, 403),
        ({"host": "lanes.example.com.evil.com"}, 403),
        ({"host": "lanes.example.com"}, 201),
        ({"host": "LANES.example.com:8443"}, 201),
        ({"host": "localhost:7480"}, 201),
        ({"origin": "http://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "lanes.example.com", "origin": "http://lanes.example.com"}, 201),
        ({"host": "lanes.example.com", "origin": "http://lanes.example.com:81"}, 403),
        ({"host": "lanes.example.com", "origin": "https://lanes.example.com"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 201),
    ],
)
async def test_foreign_pages_are_refused(found: Shown, headers: dict[str, str], code: int) -> None:
    found.api.answer(f"POST {LANES}.*", 201, {})
    answer = await found.client.post(LANES, json=BODY, headers={**TOKEN, **headers})
    assert answer.status_code == code
    assert len(found.api.asked) == (code == 201)
    page = await found.client.get("/console/", headers=headers)
    assert page.status_code == (200 if code == 201 else 403)


async def test_any_page_may_link_to_the_console_and_to_nothing_else(found: Shown) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert (await found.client.get("/console/", headers=headers)).status_code == 200
    for path in (f"{OWN}/identity", LANES):
        answer = await found.client.get(path, headers={**TOKEN, **headers})
        assert answer.status_code == 403


async def test_the_page_says_that_it_is_in_a_cluster(found: Shown) -> None:
    answer = await found.client.get("/console/")
    assert 'name="laneway-place" content="cluster"' in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "nonce-" in answer.headers["content-security-policy"]
    assert (await found.client.get("/console/assets/index-1a2b.js")).text == "console.log(1)"


async def test_there_are_no_links_to_sign_in(found: Shown) -> None:
    for path in ("/console/sign-in", "/console/sign-out", f"{OWN}/signinlinks"):
        answer = await found.client.post(path, json={"code": "x"}, headers=TOKEN)
        assert answer.status_code == 404, path
    assert found.api.asked == []


async def test_who_the_caller_is_and_may_edit(found: Shown) -> None:
    def user(request: str) -> dict[str, object]:
        return {"status": {"userInfo": {"username": request}}}

    found.api.answer("POST .*/selfsubjectreviews", 201, user("jill"))
    found.api.answer("POST .*/selfsubjectaccessreviews", 201, {"status": {"allowed": True}})
    names = [{"name": "previews"}, {"name": "analyses"}, {"name": "tokens"}]
    found.api.answer(f"GET {OWN}", 200, {"resources": names})
    answer = await found.client.get(f"{OWN}/identity", headers=TOKEN)
    assert answer.json()["status"] == {
        "name": "jill",
        "scopes": [],
        "edits": ["lanegroups", "lanes"],
        "serves": ["previews", "analyses"],
    }
    assert {token for token, *_ in found.api.asked} == {"jills"}
    asked = [
        json.loads(body)["spec"]["resourceAttributes"]
        for _, _, target, body, _ in found.api.asked
        if target.endswith("selfsubjectaccessreviews")
    ]
    edits = {(each["verb"], each["resource"]) for each in asked if each["group"] == "laneway.dev"}
    assert edits == {
        (verb, resource)
        for verb in ("create", "update", "patch", "delete")
        for resource in ("lanegroups", "lanes")
    }


async def test_who_lacks_one_right_is_offered_no_edits(found: Shown) -> None:
    found.api.answer("POST .*/selfsubjectreviews", 201, {"status": {"userInfo": {}}})
    found.api.answer("POST .*/selfsubjectaccessreviews", 201, {"status": {"allowed": False}})
    found.api.answer(f"GET {OWN}", 200, {"resources": [{"name": "previews"}]})
    answer = await found.client.get(f"{OWN}/identity", headers=TOKEN)
    assert answer.json()["status"]["edits"] == []
    assert answer.json()["status"]["serves"] == []


async def test_who_may_only_create_is_offered_no_edits(found: Shown) -> None:
    found.api.answer("POST .*/selfsubjectreviews", 201, {"status": {"userInfo": {}}})
    found.api.allows = lambda attributes: attributes["verb"] == "create"
    found.api.answer(f"GET {OWN}", 200, {"resources": [{"name": "previews"}]})
    status = (await found.client.get(f"{OWN}/identity", headers=TOKEN)).json()["status"]
    assert (status["edits"], status["serves"]) == ([], ["previews"])


async def test_without_the_aggregated_api_nothing_of_it_is_offered(found: Shown) -> None:
    found.api.answer("POST .*/selfsubjectreviews", 201, {"status": {"userInfo": {}}})
    found.api.answer("POST .*/selfsubjectaccessreviews", 201, {"status": {"allowed": True}})
    found.api.answer(f"GET {OWN}", 503, b"service unavailable", content_type="text/plain")
    status = (await found.client.get(f"{OWN}/identity", headers=TOKEN)).json()["status"]
    assert (status["serves"], status["edits"]) == ([], ["lanegroups", "lanes"])


async def test_a_token_that_the_cluster_does_not_know_is_refused(found: Shown) -> None:
    found.api.answer(".*", 401, {"message": "Unauthorized"})
    answer = await found.client.get(f"{OWN}/identity", headers=TOKEN)
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")
