"""What is encoded is decoded equal: the ground of a store and of conversions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.schema.object_strategies import NAMES, labels, meshes, rules, selectors, single_objects

from laneway.model.codes import Code
from laneway.model.findings import Source
from laneway.model.keys import Declared
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.schema import Document, asm, decode, encode, read_alone

#: Of a single document: what encoding must never cause. Whether objects fit together is chance.
SHAPE = {Code.INVALID_VALUE, Code.MISSING_FIELD, Code.UNKNOWN_FIELD, Code.WRONG_TYPE}


def documents(mesh: Mesh) -> list[Document]:
    declared: Sequence[Declared] = (
        *mesh.groups,
        *mesh.lanes,
        *mesh.services,
        *mesh.workloads,
        *mesh.gateways,
    )
    return [
        Document(json.loads(json.dumps(encode(item))), Source("mesh", number))
        for number, item in enumerate(declared, 1)
    ]


@given(meshes())
def test_round_trip(mesh: Mesh) -> None:
    decoded, findings = decode(documents(mesh))
    assert not [finding for finding in findings if finding.code in SHAPE]
    assert decoded == mesh


def read_again(data: dict[str, Any]) -> Declared | None:
    """What the document declares by itself, of the very values that JSON keeps."""
    return read_alone(Document(json.loads(json.dumps(data)), Source("object"))).declared


@given(single_objects())
def test_an_object_is_written_as_a_document_that_declares_it(declared: Declared) -> None:
    assert read_again(encode(declared)) == declared


@st.composite
def asm_groups(draw: st.DrawFn) -> LaneGroup:
    """Groups as ASMSwimLaneGroup has them: weighted rules share their hosts, and have numbers."""
    services = draw(
        st.lists(st.sampled_from([n for n in NAMES if "." not in n.name]), min_size=1, unique=True)
    )
    hosts = draw(st.lists(st.sampled_from(["*", "a.test"]), min_size=1, unique=True))
    conditions = draw(st.lists(rules(services), max_size=2))
    return LaneGroup(
        name=draw(labels),
        services=tuple(services),
        route_header=draw(st.sampled_from(["x-lane", "x-asm-prefer-tag"])),
        trace_header=draw(st.sampled_from(["x-lane", "baggage"])),
        gateway=draw(st.none() | st.just(ObjectName("istio-system", "ingressgateway"))),
        mode=draw(st.sampled_from(Mode)),
        baseline=draw(st.none() | labels),
        service_baselines=draw(st.dictionaries(st.sampled_from(services), labels)),
        ingress=tuple(
            IngressRule(f"weighted-{number}", services[0], tuple(hosts), rule.uri, rule.headers)
            for number, rule in enumerate(conditions, 1)
        ),
    )


@st.composite
def asm_lanes(draw: st.DrawFn) -> Lane:
    """Lanes as ASMSwimLane has them; a rule without hosts is the weighted routing's destination."""
    services = [name for name in NAMES if "." not in name.name]
    plain = [
        replace(rule, methods=(), query={}, enter=False, weight=100, sticky=None)
        for rule in draw(st.lists(rules(services), max_size=2))
    ]
    to = draw(st.none() | st.sampled_from(services))
    weighted = (
        []
        if to is None
        else [IngressRule("weighted", to, hosts=(), port=draw(st.none() | st.just(80)))]
    )
    return Lane(
        name=draw(labels),
        group=draw(labels),
        selector=draw(selectors),
        services=tuple(draw(st.lists(st.sampled_from(services), unique=True))),
        ingress=(*plain, *weighted),
        weight=draw(st.integers(0, 100)),
    )


@given(asm_groups(), asm_lanes())
def test_asms_kinds_are_written_as_they_are_read(group: LaneGroup, lane: Lane) -> None:
    assert read_again(asm.GROUP.document(group)) == group
    assert read_again(asm.LANE.document(lane)) == lane


@given(asm_groups(), asm_lanes())
def test_what_asms_kinds_declare_is_encoded_too(group: LaneGroup, lane: Lane) -> None:
    """Also before group defaults: a rule without hosts is legal in ASM's kind alone."""
    assert read_again(encode(group)) == group
    assert read_again(encode(lane)) == lane


def test_what_laneway_leaves_out_of_a_gateway_is_not_missing_when_it_is_read_again() -> None:
    server = {"port": {"number": 443, "name": "tls", "protocol": "TLS"}, "hosts": ["*"]}
    data = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "passthrough"},
        "spec": {"servers": [server]},
    }
    declared = read_again(data)
    assert declared is not None
    assert read_again(encode(declared)) == declared
