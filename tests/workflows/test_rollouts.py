"""What a request meets in each phase of a rollout: pods as the controller labels them, simulated.

Who changes which label when is read from Argo Rollouts' ``rollout/bluegreen.go`` and
``rollout/ephemeralmetadata.go``, and Kruise Rollout's ``control/canarystyle/deployment``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from tests.workflows.conftest import EXAMPLES

from laneway.adapters.files import read
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Call, Request, simulate
from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload, WorkloadPort

WEB, CART = ObjectName("shop", "web"), ObjectName("shop", "cart")
CHAIN = Applications(
    {WEB: (Call(CART, 8080),)}, {name: frozenset({"x-request-id"}) for name in (WEB, CART)}
)


def pod(version: str, **labels: str) -> Workload:
    app = version.partition("-")[0]
    name = ObjectName("shop", version)
    return Workload(name, {"app": app, **labels}, (WorkloadPort(8080),), address="127.0.0.1:1")


def carts(folder: str, lane: str | None, pods: tuple[Workload, ...], **changes: object) -> set[str]:
    """Which pods of cart may answer a request, of the lane if one is named."""
    declared = read([str(EXAMPLES / folder)]).mesh
    baseline = declared.baseline(declared.groups[0])
    assert baseline is not None
    mesh = with_pods(declared, (pod("web-v1", **baseline.selector), *pods))
    if changes:
        mesh = with_lanes(mesh, changes)
    headers: Mapping[str, str] = {"x-lane": lane} if lane else {}
    request = Request("shop.example.com", "/", headers=headers)
    drawn = [
        simulate(mesh, lower(mesh), request, applications=CHAIN, draw=draw)
        for draw in range(0, 100, 5)
    ]
    assert not any(outcome.failure for outcome in drawn)
    return {name.name for outcome in drawn for name in outcome.hops[1].workloads}


def with_pods(mesh: Mesh, pods: tuple[Workload, ...]) -> Mesh:
    return replace(mesh, workloads=pods)


def with_lanes(mesh: Mesh, changes: Mapping[str, object]) -> Mesh:
    def changed(lane: Lane) -> Lane:
        weight = changes.get(lane.name.replace("-", "_"))
        return replace(lane, weight=weight) if isinstance(weight, int) else lane

    return replace(mesh, lanes=tuple(map(changed, mesh.lanes)))


@dataclass(frozen=True)
class Phase:
    """``users`` and ``named``: who answers requests without a lane, and with the new version's."""

    name: str
    pods: tuple[Workload, ...]
    users: set[str]
    named: set[str]


ARGO = [
    Phase("at rest", (pod("cart-v1", role="active"),), {"cart-v1"}, {"cart-v1"}),
    Phase(
        "preview, and its analysis",
        (pod("cart-v1", role="active"), pod("cart-v2", role="preview")),
        {"cart-v1"},
        {"cart-v2"},
    ),
    Phase(
        "promotion: the new pods get the label first",
        (pod("cart-v1", role="active"), pod("cart-v2", role="active")),
        {"cart-v1", "cart-v2"},
        {"cart-v1", "cart-v2"},
    ),
    Phase(
        "then the old ones lose it, and stay for scaleDownDelaySeconds",
        (pod("cart-v1"), pod("cart-v2", role="active")),
        {"cart-v2"},
        {"cart-v2"},
    ),
    Phase(
        "rolled back within that time",
        (pod("cart-v1", role="active"), pod("cart-v2")),
        {"cart-v1"},
        {"cart-v1"},
    ),
    Phase("aborted", (pod("cart-v1", role="active"),), {"cart-v1"}, {"cart-v1"}),
]

KRUISE = [
    Phase("at rest", (pod("cart-v1", role="stable"),), {"cart-v1"}, {"cart-v1"}),
    Phase(
        "canary, until it is approved",
        (pod("cart-v1", role="stable"), pod("cart-v2-canary", role="canary")),
        {"cart-v1"},
        {"cart-v2-canary"},
    ),
    Phase(
        "approved: cart itself is rolled, the canary still there",
        (
            pod("cart-v1", role="stable"),
            pod("cart-v2", role="stable"),
            pod("cart-v2-canary", role="canary"),
        ),
        {"cart-v1", "cart-v2"},
        {"cart-v2-canary"},
    ),
    Phase("done", (pod("cart-v2", role="stable"),), {"cart-v2"}, {"cart-v2"}),
    Phase("rolled back before", (pod("cart-v1", role="stable"),), {"cart-v1"}, {"cart-v1"}),
]


@pytest.mark.parametrize("phase", ARGO, ids=lambda phase: phase.name)
def test_argo_rollouts(phase: Phase) -> None:
    assert carts("argo-rollouts", None, phase.pods) == phase.users
    assert carts("argo-rollouts", "cart-preview", phase.pods) == phase.named


@pytest.mark.parametrize("phase", KRUISE, ids=lambda phase: phase.name)
def test_kruise_rollout(phase: Phase) -> None:
    assert carts("kruise-rollout", None, phase.pods) == phase.users
    assert carts("kruise-rollout", "cart-canary", phase.pods) == phase.named


def test_a_weight_gives_the_new_version_a_share_of_the_users() -> None:
    pods = ARGO[1].pods
    assert carts("argo-rollouts", None, pods, cart_preview=10) == {"cart-v1", "cart-v2"}
    assert carts("argo-rollouts", "active", pods, cart_preview=10) == {"cart-v1"}


def test_why_argo_s_canary_strategy_is_not_the_example_s() -> None:
    """Its last old pods may be gone before the new ones become stable: then no baseline is left."""
    pods = (pod("cart-v2", role="preview"),)
    assert carts("argo-rollouts", "cart-preview", pods) == {"cart-v2"}
    with pytest.raises(AssertionError):
        carts("argo-rollouts", None, pods)
