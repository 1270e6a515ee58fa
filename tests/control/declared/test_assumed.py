"""Objects that are written one by one to a machine run without Services and gateways of theirs."""

from __future__ import annotations

from dataclasses import replace

from tests.compile.meshes import group, lane, name, rule, workload
from tests.control.declared.declared_states import planned, put, remove

from laneway.control.declared import Declaration, Put, Writes
from laneway.model.acceptance import Standing
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.keys import key_of

GROUP = group("a", gateway=None)
LANE = lane("base", "a", rule("a"))
WORKLOAD = workload("a", "v-base")
GATE = Gateway(name("test"), (GatewayServer(80, tls=True),))


def test_a_group_is_accepted_once_a_workload_is_its_service() -> None:
    waiting = planned(put(GROUP), put(LANE))
    assert waiting.status(key_of(GROUP)).standing is Standing.NOT_ACCEPTED
    state = planned(put(GROUP), put(LANE), put(WORKLOAD))
    assert state.status(key_of(GROUP)).standing is Standing.ACCEPTED
    assert [each.name for each in state.mesh.services] == [name("a")]
    assert [each.name for each in state.mesh.gateways] == [name("test")]


def test_what_was_assumed_goes_with_what_it_was_for() -> None:
    state = planned(put(WORKLOAD), remove("Workload", str(WORKLOAD.name)))
    assert state.mesh.services == ()


def test_a_gateway_with_errors_is_not_replaced_by_an_assumed_one() -> None:
    """All of its servers do TLS, which no gateway of this machine can."""
    named = replace(GROUP, gateway=GATE.name)
    objects = (GATE, named, LANE, WORKLOAD)
    state = planned(Writes("api", tuple(Put(Declaration(each)) for each in objects)))
    assert state.status(key_of(named)).standing is Standing.NOT_ACCEPTED
    assert state.mesh.gateways == ()
