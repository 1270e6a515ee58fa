"""laneway's own kinds ``LaneGroup`` and ``Lane`` (``laneway.dev/v1alpha1``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator

from laneway.model.findings import Finding
from laneway.model.lanes import (
    CallsWithoutLane,
    Lane,
    LaneGroup,
    MemoryLimits,
    Mode,
    Unmatched,
)
from laneway.model.machine_defaults import PORT
from laneway.schema.annotations import LISTEN_PORTS, listen_ports
from laneway.schema.field_metadata import About, ClusterBound, Constraint, Rule
from laneway.schema.fields import (
    EndToEndHeader,
    Name,
    Percentage,
    Shape,
    Text,
)
from laneway.schema.ingress_rules import IngressRuleSpec
from laneway.schema.kind import Built, Kind, Written, no_effect
from laneway.schema.lane_lives import Order, Time, instant, written_instant
from laneway.schema.lane_selectors import (
    SELECTS,
    LabelRequirements,
    LabelRequirementSpec,
    LaneLabels,
    selector_findings,
    written_labels,
)
from laneway.schema.lane_sources import LaneHeader, LaneValues, RouteBySpec, StickySpec
from laneway.schema.objects import (
    Metadata,
    Object,
    Reference,
    References,
    names,
    references,
)
from laneway.schema.trace_memory import TraceMemorySpec, unused_memory


def baselines_by_service(value: dict[str, str]) -> dict[str, str]:
    """The keys are references; the field stays as written, so that findings can point into it."""
    for key in value:
        Reference.model_validate(key)
    return value


ServiceKey = Annotated[
    str,
    Constraint("`name` or `namespace/name` of a service", "服务的 `name` 或 `namespace/name`"),
]


Rules = Annotated[list[IngressRuleSpec], ClusterBound(64)]
Modes = Literal["permissive", "strict"]
Callers = Literal["baseline", "ownLane"]
_RULES_EXAMPLE = [{"name": "r1", "uri": {"exact": "/mock"}, "destination": "mocka"}]


class LaneGroupSpec(Shape):
    about = About(
        "The services of a call chain, and how lanes among them work.",
        "一条调用链上的服务，以及其中泳道的工作方式。",
        None,
    )

    gateway: Annotated[
        Reference | None,
        About(
            "Istio's Gateway where requests enter. On one machine, one is assumed if none is "
            "declared and there are rules.",
            "请求进入的 Istio Gateway。单机上有入口规则而未声明任何 Gateway 时，自动提供一个。",
            "istio-system/ingressgateway",
        ),
    ] = None
    mode: Annotated[
        Modes,
        About(
            "Whether lanes fall back to the baseline (`permissive`) or answer 503 (`strict`) where "
            "they have no healthy instance.",
            "泳道中没有健康实例时，回退到基线（`permissive`）还是返回 503（`strict`）。",
            "strict",
        ),
    ] = "permissive"
    route_header: Annotated[
        LaneHeader,
        About(
            "The header whose value names the lane.",
            "引流请求头，其值为泳道名称。",
            "x-asm-prefer-tag",
        ),
    ]
    route_by: Annotated[
        RouteBySpec,
        About(
            "Where else a request may name a lane at the gateway, if the route header does not.",
            "引流请求头未指定泳道时，网关还从哪里读取泳道名称。",
            {"cookie": "lane"},
        ),
    ] = RouteBySpec()
    trace_header: Annotated[
        EndToEndHeader | None,
        About(
            "What applications pass on: the route header (if not given), a header with a trace id "
            "(also `traceparent`, `b3`, `sw8` and the like), or `baggage` (W3C).",
            "应用透传的请求头：引流请求头（默认）、携带链路 ID 的请求头（包括 `traceparent`、`b3`、"
            "`sw8` 等），或 `baggage`（W3C）。",
            "my-request-id",
        ),
    ] = None
    baseline: Annotated[
        Name | None,
        About(
            "The lane that answers for others; the first one declared, if not given (in a cluster, "
            "the one created first).",
            "基线泳道；不填则为最先声明的泳道（在集群中为最先创建的泳道）。",
            "s1",
        ),
    ] = None
    service_baselines: Annotated[
        dict[ServiceKey, Name],
        AfterValidator(baselines_by_service),
        ClusterBound(256),
        About(
            "Lanes that answer for single services, by `name` or `namespace/name`.",
            "个别服务的基线泳道，以 `name` 或 `namespace/name` 为键。",
            {"mockc": "s2"},
        ),
    ] = {}
    unmatched: Annotated[
        Literal["baseline", "notFound"],
        About(
            "Where a request goes that meets a rule and names no lane which has it: to the "
            "baseline, or nowhere (404).",
            "满足规则但未指定相应泳道的请求：进入基线，或返回 404（`notFound`）。",
            "notFound",
        ),
    ] = "baseline"
    sticky: Annotated[
        StickySpec | None,
        About(
            "What keeps a user in one lane while lanes are chosen by weight.",
            "按权重选择泳道时，使同一用户始终进入同一泳道。",
            {"header": "x-user"},
        ),
    ] = None
    calls_without_lane: Annotated[
        Callers,
        About(
            "Where a call goes that names no lane and is made by a workload of a single lane: to "
            "the baseline, or into that lane (`ownLane`). Cron jobs and consumers make such calls.",
            "由仅属于一条泳道的工作负载发起、且未指定泳道的调用：进入基线，或进入该泳道（`ownLane`）。"
            "定时任务和消费者会发起这样的调用。",
            "ownLane",
        ),
    ] = "baseline"
    trace_memory: Annotated[
        TraceMemorySpec | None,
        About(
            "How long, and how many, trace ids sidecars remember.",
            "边车记住链路 ID 的时间和数量。",
            {"ttlSeconds": 600},
        ),
    ] = None
    ingress: Annotated[
        Rules,
        About(
            "The rules of every lane that states none.",
            "未声明规则的泳道所使用的规则。",
            _RULES_EXAMPLE,
        ),
    ] = []
    services: Annotated[
        References,
        About(
            "All services of the call chain.", "调用链上的所有服务。", ["mocka", "default/mockb"]
        ),
    ]


class LaneGroupObject(Object):
    spec: Annotated[
        LaneGroupSpec,
        About(
            "The services of a call chain, and how lanes among them work.",
            "一条调用链上的服务，以及其中泳道的工作方式。",
            {"routeHeader": "x-asm-prefer-tag", "services": ["mocka"]},
        ),
    ]


class LaneSpec(Shape):
    cel_rules = (
        Rule(
            "!(has(self.mode) && self.mode == 'strict' && has(self.fallback) && "
            "self.fallback.size() > 0)",
            "a strict lane never falls back",
        ),
        SELECTS,
    )

    group: Annotated[
        Name, About("The LaneGroup that the lane belongs to.", "泳道所属的泳道组。", "test")
    ]
    selector: Annotated[
        LaneLabels,
        About(
            "Labels of the lane's workloads.", "泳道中工作负载的标签。", {"ASM_TRAFFIC_TAG": "v2"}
        ),
    ] = {}
    match_expressions: Annotated[
        LabelRequirements,
        About(
            "Conditions on the labels of the lane's workloads, besides `selector`. `DoesNotExist` "
            "makes a baseline of everything that no other lane has.",
            "除 `selector` 外，对工作负载标签的条件。"
            "`DoesNotExist` 可使基线包含其他泳道之外的所有负载。",
            [{"key": "lane", "operator": "DoesNotExist"}],
        ),
    ] = []
    enabled: Annotated[
        bool,
        About(
            "Whether the lane counts. If not, requests that name it count as without a lane.",
            "泳道是否生效。未生效时，指定它的请求视为未指定泳道。",
            False,
        ),
    ] = True
    owner: Annotated[
        Annotated[Text, ClusterBound(256)],
        About("Whom to ask about the lane.", "泳道的负责人。", "jack@shop.test"),
    ] = ""
    expires_at: Annotated[
        Time | None,
        About(
            "From when on the lane counts as removed, unless it serves as a baseline. Applying a "
            "lane that has expired is refused.",
            "从此刻起泳道视为已删除，作为基线时除外。再次应用已过期的泳道会被拒绝。",
            "2026-12-31T18:00:00Z",
        ),
    ] = None
    order: Annotated[
        Order,
        About(
            "The lane's place among those of its group: lower ones come first. Lanes of the same "
            "order are in the order of their declaration (in a cluster, of their creation).",
            "泳道在组内的次序，数值小的在前；相同时按声明的先后（在集群中按创建的先后）。",
            10,
        ),
    ] = 0
    shares_workloads_with: Annotated[
        Annotated[list[Name], ClusterBound(64)],
        About(
            "Lanes of the group that may have some of the same workloads. Otherwise it is an error "
            "if the baseline is one of them, and a warning if it is another lane.",
            "允许与本泳道共用工作负载的泳道。未声明时，与基线共用为错误，与其他泳道共用为警告。",
            ["s1"],
        ),
    ] = []
    services: Annotated[
        References | None,
        About(
            "The services that the lane contains; all of the group's, if not given.",
            "泳道包含的服务；不填则为泳道组的所有服务。",
            ["mocka", "mockc"],
        ),
    ] = None
    ingress: Annotated[
        Rules,
        About(
            "Which requests may enter the lane; the group's rules, if not given.",
            "哪些请求可以进入泳道；不填则使用泳道组的规则。",
            _RULES_EXAMPLE,
        ),
    ] = []
    fallback: Annotated[
        Annotated[list[Name], ClusterBound(64)],
        About(
            "Lanes to try after this one, in order, before the baseline.",
            "本泳道之后、基线之前依次尝试的泳道。",
            ["s3"],
        ),
    ] = []
    mode: Annotated[
        Modes | None,
        About("The mode, if it is not the group's.", "泳道的模式；不填则与泳道组相同。", "strict"),
    ] = None
    weight: Annotated[
        Percentage,
        About(
            "The percentage of the requests that name no lane, and meet a rule which the baseline "
            "has too, that enters this lane.",
            "未指定泳道、且满足与基线相同规则的请求中，进入本泳道的百分比。",
            10,
        ),
    ] = 0
    calls_without_lane: Annotated[
        Callers | None,
        About(
            "Where calls of its workloads go that name no lane, if not where the group says.",
            "泳道的工作负载发起的、未指定泳道的调用的去向；不填则与泳道组相同。",
            "ownLane",
        ),
    ] = None
    names: Annotated[
        LaneValues,
        About(
            "Further values that name the lane at the gateway, besides its own name.",
            "除泳道自身名称外，在网关处同样表示本泳道的值。",
            ["gray", "1.2.0"],
        ),
    ] = []


class LaneObject(Object):
    spec: Annotated[
        LaneSpec,
        About(
            "Versions of some of a group's services.",
            "泳道组中部分服务的某个版本。",
            {"group": "test", "selector": {"ASM_TRAFFIC_TAG": "v2"}},
        ),
    ]


def _build_group(document: LaneGroupObject) -> Built:
    spec = document.spec
    trace_header = spec.trace_header or spec.route_header
    listens, findings = listen_ports(
        document.metadata.annotations, {PORT}, "the gateway that is assumed"
    )
    group = LaneGroup(
        name=document.metadata.name,
        services=names(spec.services),
        route_header=spec.route_header,
        trace_header=trace_header,
        gateway=spec.gateway.object_name if spec.gateway else None,
        mode=Mode(spec.mode),
        baseline=spec.baseline,
        service_baselines={
            Reference.model_validate(service).object_name: lane
            for service, lane in spec.service_baselines.items()
        },
        unmatched=Unmatched(spec.unmatched),
        sticky=spec.sticky.sticky if spec.sticky else None,
        ingress=tuple(rule.rule for rule in spec.ingress),
        calls_without_lane=CallsWithoutLane(spec.calls_without_lane),
        route_by=spec.route_by.route_by,
        trace_memory=spec.trace_memory.limits if spec.trace_memory else MemoryLimits(),
        listen=listens.get(PORT, 0),
    )
    return group, (*scope(document), *unused_memory(group), *findings)


def scope(document: Object) -> Iterator[Finding]:
    """A warning where a namespace is given to an object that has none."""
    if "namespace" in document.metadata.model_fields_set:
        why = f"a {document.kind} belongs to no namespace"
        yield no_effect(("metadata", "namespace"), why, "remove it")


def _build_lane(document: LaneObject) -> Built:
    spec = document.spec
    lane = Lane(
        name=document.metadata.name,
        group=spec.group,
        selector=spec.selector,
        services=names(spec.services or []),
        ingress=tuple(rule.rule for rule in spec.ingress),
        fallback=tuple(spec.fallback),
        mode=Mode(spec.mode) if spec.mode else None,
        weight=spec.weight,
        calls_without_lane=CallsWithoutLane(spec.calls_without_lane)
        if spec.calls_without_lane
        else None,
        names=tuple(spec.names),
        match_expressions=tuple(each.requirement for each in spec.match_expressions),
        shares_workloads_with=tuple(spec.shares_workloads_with),
        enabled=spec.enabled,
        owner=spec.owner,
        expires_at=instant(spec.expires_at) if spec.expires_at else None,
        order=spec.order,
    )
    return lane, (*scope(document), *selector_findings(lane))


def _write_group(group: LaneGroup) -> Written:
    annotations = {LISTEN_PORTS: f"{PORT}={group.listen}"} if group.listen else None
    metadata = Metadata.of(name=group.name, annotations=annotations)
    return metadata, LaneGroupSpec.of(
        gateway=Reference.to(group.gateway) if group.gateway else None,
        mode=group.mode.value,
        route_header=group.route_header,
        trace_header=group.trace_header,
        baseline=group.baseline,
        service_baselines={str(name): lane for name, lane in group.service_baselines.items()},
        unmatched=group.unmatched.value,
        sticky=StickySpec.written(group.sticky) if group.sticky else None,
        trace_memory=TraceMemorySpec.written(group.trace_memory),
        ingress=[IngressRuleSpec.written(rule) for rule in group.ingress] or None,
        calls_without_lane=group.calls_without_lane.value,
        route_by=RouteBySpec.written(group.route_by),
        services=references(group.services),
    )


def _write_lane(lane: Lane) -> Written:
    return Metadata.of(name=lane.name), LaneSpec.of(
        group=lane.group,
        selector=written_labels(lane.selector),
        match_expressions=[LabelRequirementSpec.written(e) for e in lane.match_expressions] or None,
        shares_workloads_with=list(lane.shares_workloads_with) or None,
        enabled=None if lane.enabled else False,
        owner=lane.owner or None,
        expires_at=written_instant(lane.expires_at) if lane.expires_at else None,
        order=lane.order or None,
        services=references(lane.services) or None,
        ingress=[IngressRuleSpec.written(rule) for rule in lane.ingress],
        fallback=list(lane.fallback),
        mode=lane.mode.value if lane.mode else None,
        weight=lane.weight,
        calls_without_lane=lane.calls_without_lane.value if lane.calls_without_lane else None,
        names=list(lane.names) or None,
    )


_VERSIONS = ("v1alpha1",)

KINDS = (
    Kind(
        "laneway.dev",
        _VERSIONS,
        "LaneGroup",
        LaneGroupObject,
        LaneGroup,
        _build_group,
        _write_group,
        scope=(),
    ),
    Kind(
        "laneway.dev",
        _VERSIONS,
        "Lane",
        LaneObject,
        Lane,
        _build_lane,
        _write_lane,
        scope=("spec", "group"),
    ),
)
