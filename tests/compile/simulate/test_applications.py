"""What is inferred about applications."""

from __future__ import annotations

import dataclasses

import pytest
from tests.compile.meshes import ROUTE_HEADER, TRACE_HEADER, group, lane, mesh, name, service

from laneway.compile.simulate import Call, infer
from laneway.compile.simulate.applications import resolve
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import DeclaredCall, WorkloadPort


def declared(**env: str) -> Mesh:
    base = mesh([group("a")], [lane("s1", "a")], [service("a"), service("b"), service("c", 80)])
    first, *others = base.workloads
    return dataclasses.replace(base, workloads=(dataclasses.replace(first, env=env), *others))


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        ("http://b:8000/", ["b:8000"]),
        ("http://b.default:8000", ["b:8000"]),
        ("http://B.default.svc.cluster.local:8000/x?y=http://c/", ["b:8000", "c:80"]),
        ("http://c, http://b:8000", ["c:80", "b:8000"]),
        ("http://c http://c/again", ["c:80"]),
        ("http://b", []),
        ("https://b:8000", []),
        ("http://b.other:8000", []),
        ("http://b.example.com:8000", []),
        ("http://bb:8000", []),
        ("http://a:8000", []),
        ("http://b:80000000", []),
        ("b:8000", []),
    ],
)
def test_calls_are_the_urls_of_services(value: str, calls: list[str]) -> None:
    found = infer(declared(upstream=value)).calls[name("a")]
    assert [f"{c.service.name}:{c.port}" for c in found] == calls


def test_calls_keep_the_order_of_the_environment() -> None:
    found = infer(declared(one="http://c", two="http://b:8000")).calls[name("a")]
    assert found == (Call(name("c"), 80), Call(name("b"), 8000))


def test_services_pass_on_their_groups_trace_header_or_if_in_none_all() -> None:
    groups = [group("a", "one"), group("b", "two", trace_header=ROUTE_HEADER)]
    lanes = [lane("s1", "a", group="one"), lane("s1", "b", group="two")]
    found = infer(mesh(groups, lanes, [service("a"), service("b"), service("c")])).passes_on
    assert found == {
        name("a"): {TRACE_HEADER},
        name("b"): {ROUTE_HEADER},
        name("c"): {TRACE_HEADER, ROUTE_HEADER},
    }


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("b", "ns/b"),
        ("b.x", "x/b"),
        ("b.x.svc", "x/b"),
        ("b.x.svc.cluster.local", "x/b"),
        ("b.example.com", "example.com/b"),
    ],
)
def test_hosts_resolve_as_in_kubernetes(host: str, expected: str) -> None:
    assert resolve(host, "ns") == ObjectName(*expected.split("/"))


def test_declared_calls_stand_over_the_environment() -> None:
    base = declared(upstream="http://b:8000/")
    first, *others = base.workloads
    for calls, expected in (
        ((DeclaredCall(name("c")), DeclaredCall(name("b"), 8000)), ["c:80", "b:8000"]),
        ((), []),
    ):
        said = dataclasses.replace(first, calls=calls)
        found = infer(dataclasses.replace(base, workloads=(said, *others)))
        assert [f"{c.service.name}:{c.port}" for c in found.calls[name("a")]] == expected
        assert name("a") not in found.unknown


@pytest.mark.parametrize(
    ("command", "env", "known"),
    [
        (("python", "app.py"), {}, False),
        (("python", "app.py"), {"upstream": "http://outside.test/"}, False),
        (("python", "app.py"), {"upstream": "http://b:8000"}, True),
        (("laneway-mock",), {}, True),
    ],
)
def test_calls_are_unknown_where_nothing_says_them(
    command: tuple[str, ...], env: dict[str, str], known: bool
) -> None:
    base = declared(**env)
    first, *others = base.workloads
    changed = dataclasses.replace(first, command=command)
    found = infer(dataclasses.replace(base, workloads=(changed, *others)))
    assert (name("a") not in found.unknown) is known


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST", "127.1.2.3"])
def test_a_port_of_this_machine_is_a_call_past_the_sidecar(host: str) -> None:
    base = declared(upstream=f"http://{host}:18081/")
    caller, *others = base.workloads
    called = next(w for w in others if w.name.name.startswith("b"))
    listening = dataclasses.replace(called, ports=(WorkloadPort(8000, listen=18081),))
    running = dataclasses.replace(called, command=(), address="127.0.0.1:18081")
    for changed in (listening, running):
        workloads = (caller, *(changed if w is called else w for w in others))
        (call,) = infer(dataclasses.replace(base, workloads=workloads)).calls[name("a")]
        assert call == Call(name("b"), 8000, past_sidecar=called.name, caller=caller.name)


def test_a_port_of_this_machine_that_is_none_of_the_meshs_is_no_call() -> None:
    assert infer(declared(upstream="http://localhost:9999/")).calls[name("a")] == ()
