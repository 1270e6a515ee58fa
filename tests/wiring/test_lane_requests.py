"""The requests that the tables and the demo suggest, against the files they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faces.cli.conftest import copy as copy
from tests.faces.cli.conftest import examples as examples

from laneway.adapters.files import read
from laneway.model.names import ObjectName
from laneway.wiring.lane_requests import gateway_requests, without_lane

URLS = {ObjectName("istio-system", "ingressgateway"): {80: "http://127.0.0.1:18000"}}


def curls(folder: Path) -> list[str]:
    return [request.curl() for request in gateway_requests(read([str(folder)]).mesh, URLS)]


def test_the_gateway_makes_the_trace_id(examples: Path) -> None:
    assert curls(examples / "scenario-1")[1] == (
        "curl -H x-asm-prefer-tag:s2 http://127.0.0.1:18000/mock"
    )


def test_where_the_header_names_the_lane_it_is_enough(examples: Path) -> None:
    assert curls(examples / "scenario-2") == [
        f"curl -H my-request-id:{lane} http://127.0.0.1:18000/mock" for lane in ("s1", "s2", "s3")
    ]


def test_host_and_headers_of_the_rule_are_kept(copy: Callable[..., Path]) -> None:
    folder = copy(
        hosts=(
            "      hosts: ['*']\n",
            "      hosts: [shop.test]\n      headers: {who: {exact: me}}\n",
        ),
        uri=("uri:\n        exact: /mock", "uri:\n        prefix: /mock/a b"),
    )
    assert curls(folder)[0] == (
        "curl -H Host:shop.test -H who:me -H x-asm-prefer-tag:s1 'http://127.0.0.1:18000/mock/a b'"
    )


def test_a_lane_that_only_a_regex_enters_has_no_suggestion(copy: Callable[..., Path]) -> None:
    assert curls(copy(uri=("exact: /mock", "regex: /m.*"))) == []


def test_every_request_has_a_trace_id_of_its_own(examples: Path) -> None:
    mesh = read([str(examples / "scenario-1")]).mesh
    request = next(gateway_requests(mesh, URLS))
    assert request.numbered(7) == {"x-asm-prefer-tag": "s1", "my-request-id": "x0007"}


def test_one_request_of_each_group_names_no_lane(examples: Path) -> None:
    mesh = read([str(examples / "scenario-2")]).mesh
    (request,) = without_lane(gateway_requests(mesh, URLS), mesh)
    assert (request.lane, request.path, request.headers) == ("", "/mock", {})
