"""For each finding of the compile reports that a request can show: a request that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.compile.meshes import ROUTE_HEADER, exact, group, lane, mesh, rule, service

from laneway.compile.simulate import Request
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import (
    CallsWithoutLane,
    IngressRule,
    Lane,
    LaneGroup,
    Mode,
    RouteBy,
    Unmatched,
)
from laneway.model.meshes import Mesh


@dataclass(frozen=True)
class Exhibit:
    """``subject`` is what the finding is about. Applications pass on ``kept`` and no more."""

    code: str
    subject: str
    mesh: Mesh
    request: Request
    kept: Sequence[str] = ("x-lane", "x-trace")
    unready: Sequence[str] = ()

    @property
    def platform(self) -> str:
        return self.code.partition("_")[0].lower()


ANY = rule("a")
AB = [service("a"), service("b")]


def _exhibit(
    code: str,
    subject: str,
    lanes: Sequence[Lane] = (),
    headers: Mapping[str, str | tuple[str, ...]] | None = None,
    *,
    fields: Mapping[str, Any] | None = None,
    rules: Sequence[IngressRule] = (ANY,),
    path: str = "/",
    **more: Any,
) -> Exhibit:
    """A group whose baseline is s1; service a calls b."""
    baseline = lane("s1", "a b", *rules)
    declared = mesh([group("a b", **(fields or {}))], [baseline, *lanes], AB, {"a": "b"})
    request = Request(path=path, headers={"x-trace": "t", "x-lane": "s2"} | dict(headers or {}))
    if headers is not None and not headers:
        request = replace(request, headers={"x-trace": "t"})
    return Exhibit(code, subject, declared, request, **more)


def _of_two(code: str, subject: str, request: Request, groups: list[LaneGroup]) -> Exhibit:
    """Each group a service, a lane besides its baseline, and rules: the second's asks for more."""
    more = rule("b", uri=exact("/b"))
    lanes = [
        lane("s1", "a", ANY, group="one"),
        lane("s2", "a", ANY, group="one"),
        lane("t1", "b", more, group="two"),
        lane("t2", "b", more, group="two"),
    ]
    return Exhibit(code, subject, mesh(groups, lanes, AB, {"a": "b"}), request, ("x-lane", "x-two"))


S2 = lane("s2", "a b", ANY)
REFUSING = {"unmatched": Unmatched.NOT_FOUND}
BY_HEADER = {"trace_header": ROUTE_HEADER}
BOTH = {"x-lane": "s2", "x-two": "t2"}
GROUP = "LaneGroup test"

STRICT: dict[str, Any] = {"mode": Mode.STRICT}
OWN: dict[str, Any] = {"calls_without_lane": CallsWithoutLane.OWN_LANE}
BETA = rule("a", headers={"x-beta": exact("1")})


def _from_outside() -> Exhibit:
    """Service a, in no group, has workloads with the labels of lane s2."""
    lanes = [lane("t1", "a", ANY, group="other"), lane("s2", "b"), lane("s1", "b")]
    lanes[0] = replace(lanes[0], selector=lanes[1].selector)
    groups = [group("a", "other", route_header="x-two", trace_header="x-two"),
              group("b", gateway=None, baseline="s1", **STRICT)]  # fmt: skip
    declared = mesh(groups, lanes, AB, {"a": "b"})
    return Exhibit("ASM_STRICT_CALLERS", GROUP, declared, Request(), ())


def _partly_shared() -> Exhibit:
    """Of lane s2's workloads, one is lane s3's, too; the other one answers."""
    s3 = replace(S2, name="s3", selector={"version": "v-s2", "tier": "x"})
    declared = mesh([group("a b", **BY_HEADER, **OWN)], [lane("s1", "a b", ANY), S2, s3], AB,
                    {"a": "b"})  # fmt: skip
    return Exhibit("ISTIO_CALLERS_SHARED", "Lane test/s2", declared,
                   Request(headers={"x-lane": "s2"}), ())  # fmt: skip


def _approximated(code: str) -> Exhibit:
    """No pod of lane s2's version has the label that the lane asks for besides."""
    tier = LabelRequirement("tier", Operator.EXISTS)
    # Sidecars that remember `t` from here would not know it anew.
    own_trace = {"x-trace": code}
    return _exhibit(code, "Lane test/s2", [replace(S2, match_expressions=(tier,))], own_trace)


EXHIBITS = [
    _partly_shared(),
    _approximated("ISTIO_SELECTOR_APPROXIMATED"),
    _approximated("ASM_SELECTOR_APPROXIMATED"),
    _exhibit("ASM_CALLS_WITHOUT_LANE", "Lane test/s2", [S2], fields=BY_HEADER | OWN, kept=[]),
    _from_outside(),
    _exhibit("ASM_STRICT_RULES_IN_ORDER", "Lane test/s2", [replace(S2, ingress=(BETA,))],
             {"x-beta": "1"}, fields=STRICT, kept=[]),
    _exhibit("ISTIO_LANE_NAMED_TWICE", GROUP, [S2], {"x-lane": ("s2", "s1")}),
    _exhibit("ISTIO_LANE_NAMED_TWICE", GROUP, [], {"x-lane": ("s1", "s1")}, fields=REFUSING),
    _exhibit("ASM_BAGGAGE", GROUP, [S2], {"x-lane": "s2", "baggage": "x-lane=s2"},
             fields={"trace_header": "baggage"}, kept=["baggage"]),
    replace(_exhibit("ASM_BAGGAGE", GROUP, [S2], kept=[],
                     fields={"trace_header": "baggage", **STRICT, **REFUSING}),
            request=Request(headers={"baggage": "x-lane=s2"})),
    _of_two("ASM_GROUPS_SHARE_GATEWAY", "Gateway istio-system/ingressgateway",
            Request(path="/b", headers={**BOTH, "x-trace": "t"}),
            [group("a", "one"), group("b", "two", route_header="x-two")]),
    _of_two("ASM_LABEL_OF_CALLER", "LaneGroup two", Request(headers={**BOTH, "x-trace": "t"}),
            [group("a", "one", **BY_HEADER), group("b", "two", route_header="x-two")]),
    _exhibit("ASM_LANE_NAMED_TWICE", GROUP, [S2, replace(S2, name="s3")],
             {"x-lane": ("s3", "s2")}),
    _exhibit("ASM_NO_ENTER", "Lane test/s2",
             [lane("s2", "a b", replace(rule("a", headers={"x": exact("1")}), enter=True))],
             {"x": "1", "x-lane": "none"}),
    _exhibit("ASM_NO_NAMES", "Lane test/s2", [replace(S2, names=("gray",))], {"x-lane": "gray"}),
    _exhibit("ASM_NO_ROUTE_BY", GROUP, [S2], {"x-lane": "none", "x-tag": "s2"},
             fields={"route_by": RouteBy(("x-tag",))}),
    _exhibit("ASM_NO_ROUTE_WITHOUT_LANE", GROUP, [S2], {}),
    _exhibit("ASM_NO_ROUTE_WITHOUT_LANE", GROUP, [S2], kept=[], fields=BY_HEADER | REFUSING),
    _exhibit("ASM_NO_WEIGHT", "Lane test/s2", [replace(S2, weight=100)], {}, fields=REFUSING),
    _exhibit("ASM_ONE_FALLBACK", "Lane test/s3", [S2, lane("s3", "a", ANY, fallback=("s2",))],
             {"x-lane": "s3"}),
    _exhibit("ASM_ONE_MODE", "Lane test/s2", [replace(S2, mode=Mode.STRICT)],
             unready=["b-v-s2"]),
    _exhibit("ASM_OWN_RULES_ALONE", "Lane test/s2", [S2], path="/own",
             rules=[ANY, replace(rule("b", uri=exact("/own")), name="own")]),
    _exhibit("ASM_TRACE_ID_NEEDED", GROUP, [S2], {"x-trace": ""}),
]  # fmt: skip
