"""What a gateway takes from outside, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.compile.meshes import ROUTE_HEADER, exact, group, lane, mesh, name, regex, rule, service
from tests.e2e.conftest import running
from tests.e2e.echo_applications import Behaviour, Echo, Message, exchange, read_message, report

from laneway.compile.envoy import listeners
from laneway.model.gateway_requests import CONTROLS_OF_ENVOY, HTTP1_METHODS, OF_ONE_CONNECTION
from laneway.model.lanes import IngressRule
from laneway.model.meshes import Mesh
from laneway.model.placements import Address
from laneway.model.workloads import Workload, WorkloadPort

pytestmark = [pytest.mark.envoy, pytest.mark.asyncio(loop_scope="module")]

SECRET = "tell-me"
UNSEEN = sorted(OF_ONE_CONNECTION | CONTROLS_OF_ENVOY)
#: Headers about which nothing is wrong, and that look as if there were.
SOMETIMES_SEEN = ["expect", "trailer", "x-envoy-peer-metadata", "x-forwarded-for", "x-request-id"]
PROTOCOLS = (Path(__file__).parents[2] / "docs/reference/protocols.md").read_text("utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[Address]:
    app = Echo("default/app", (8000,), Behaviour, lambda: Address("127.0.0.1", 9))
    await app.start()
    rules = (rule("gone", uri=exact("/gone")), *rules_by_header(), rule("app"))
    groups = [group("app gone", trace_header=ROUTE_HEADER)]
    base = mesh(groups, [lane("s1", "app gone", *rules)], [service("app"), service("gone")])
    workload = Workload(
        name("app"), {"app": "app", "version": "v-s1"}, (WorkloadPort(8000),), address=app.address
    )
    whole = Mesh(base.groups, base.lanes, base.services, (workload,), base.gateways)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listeners, "_HEADERS_SECONDS", 1)
        async with running(whole, explain=SECRET) as embedded:
            ((address,),) = (
                g.listeners.values() for g in embedded.control_plane.placements.gateways.values()
            )
            yield address
    app.close()


def rules_by_header() -> Iterator[IngressRule]:
    """To a service without instances, for requests in which routes see the header."""
    values = {
        "x-forwarded-proto": exact("https"),
        "x-envoy-external-address": exact("jack"),
    }
    for header in (*UNSEEN, *SOMETIMES_SEEN, "x-laneway-host", "te", "upgrade", *values):
        match = values.get(header, regex(".*"))
        yield rule("gone", uri=exact(f"/seen/{header}"), headers={header: match})


async def test_only_who_may_ask_is_told_names_of_what_is_not_there(gateway: Address) -> None:
    async def gone(*headers: tuple[str, str]) -> str:
        answer = await exchange(gateway, "GET", "/gone", "a", (("x-lane", "s1"), *headers))
        assert answer.status == 503
        return f"{answer.headers} {answer.body.decode()}"

    for headers in ((), (("x-laneway-explain", "wrong"),)):
        told = await gone(*headers)
        assert "laneway: no healthy instance of the service" in told
        assert "default" not in told
        assert "s1" not in told
    assert "default/gone" in await gone(("x-laneway-explain", SECRET))


async def received(gateway: Address, *headers: tuple[str, str], method: str = "GET") -> Message:
    return await exchange(gateway, method, "/", "shop.example", headers)


async def test_headers_of_ours_are_dropped(gateway: Address) -> None:
    forged = ["x-laneway-host", "X-Laneway-Egress", "x-laneway-unreachable", "x-laneway-new"]
    answer = await received(
        gateway, *((each, "1") for each in forged), ("x-laneway-explain", "wrong"), ("x-lane", "s1")
    )
    assert answer.status == 200, "the next proxy refused one of them"
    (hop,) = report(answer)["hops"]
    assert not [each for each in hop["headers"] if "laneway" in each.replace("cdn-loop", "")]
    assert hop["headers"]["x-lane"] == "s1"
    assert not [each for each in answer.headers if each.startswith("x-laneway-")]


async def test_trailers_of_ours_are_dropped(gateway: Address) -> None:
    reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
    writer.write(
        b"POST / HTTP/1.1\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n"
        b"1\r\nx\r\n0\r\nX-Laneway-Egress: 1\r\nx-laneway-new: 1\r\nx-mine: kept\r\n\r\n"
    )
    (hop,) = report(await read_message(reader))["hops"]
    writer.close()
    assert hop["headers"]["x-mine"] == "kept"
    assert not [each for each in hop["headers"] if each.startswith("x-laneway-")]


async def test_who_may_ask_is_told(gateway: Address) -> None:
    answer = await received(gateway, ("x-laneway-explain", SECRET), ("x-laneway-host", "near"))
    assert answer.headers["x-laneway-served"] == "s1"
    (hop,) = report(answer)["hops"]
    ours = {each for each in hop["headers"] if each.startswith("x-laneway-")}
    assert ours == {"x-laneway-explain"}


async def test_the_methods_that_the_docs_list_pass(gateway: Address) -> None:
    for method in HTTP1_METHODS - {"HEAD"}:  # its answers have no body, which is read here
        answer = await received(gateway, ("content-type", "text/plain"), method=method)
        assert answer.status == 200, method
        assert f"`{method}`" in PROTOCOLS
    for method in ("M-SEARCH", "BREW", "UPDATE", "get"):
        assert (
            await received(gateway, ("content-type", "text/plain"), method=method)
        ).status == 400


async def test_no_rule_sees_what_the_checks_call_unseen(gateway: Address) -> None:
    for header in SOMETIMES_SEEN:
        assert await meets_rule(gateway, header, "1"), f"the rule for {header} never applies"
    for header in (*UNSEEN, "x-laneway-host"):
        assert not await meets_rule(gateway, header, "chunked"), header
    assert await meets_rule(gateway, "te", "trailers")
    assert not await meets_rule(gateway, "te", "gzip")
    assert not await meets_rule(gateway, "upgrade", "h2c", ("connection", "upgrade"))
    assert not await meets_rule(gateway, "x-forwarded-proto", "https")
    assert not await meets_rule(gateway, "x-envoy-external-address", "jack")


async def meets_rule(gateway: Address, header: str, value: str, *more: tuple[str, str]) -> bool:
    """Whether the gateway takes the request by the rule that asks for the header."""
    answer = await exchange(gateway, "GET", f"/seen/{header}", "a", ((header, value), *more))
    return answer.status == 503


@pytest.mark.parametrize("second", ["shop.example", "other.example"])
async def test_a_second_host_is_refused(gateway: Address, second: str) -> None:
    assert (await received(gateway, ("host", second))).status == 400


@pytest.mark.parametrize("method", ["CONNECT"])
@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost:80", "shop.example:80"])
async def test_a_gateway_is_no_forward_proxy(gateway: Address, method: str, host: str) -> None:
    assert (await exchange(gateway, method, host, host, ())).status in (404, 403, 400)
    (hop,) = report(await exchange(gateway, "GET", f"http://{host}/", "x", ()))["hops"]
    assert hop["workload"] == "default/app", "it routes by the host, and calls none"


async def test_a_request_that_runs_in_a_circle_ends(gateway: Address) -> None:
    assert (await received(gateway, ("cdn-loop", ", ".join(["laneway"] * 8)))).status == 200
    assert (await received(gateway, ("cdn-loop", ", ".join(["laneway"] * 9)))).status == 502


async def test_a_request_that_is_half_sent_is_given_up_but_not_a_slow_body(
    gateway: Address,
) -> None:
    async def opened(head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        writer.write(head)
        return reader, writer

    half, other = await opened(b"GET / HTTP/1.1\r\nhost: shop.exa")
    slow, upload = await opened(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx")
    assert (await half.readuntil(b"\r\n")).split()[1] == b"408"
    await half.read()
    await asyncio.sleep(1)
    upload.write(b"y")
    assert (await read_message(slow)).status == 200
    other.close()
    upload.close()
