"""ASM's ``istio.alibabacloud.com/v1`` ``ASMSwimLaneGroup`` and ``ASMSwimLane``.

Every field is known here. One that laneway cannot honour yet is a warning that names it and says
what happens instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_label
from laneway.model.suggestions import nearest
from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import (
    EndToEndHeader,
    Headers,
    Hosts,
    Match,
    Metadata,
    Name,
    Object,
    Opaque,
    Percentage,
    Port,
    Reference,
    Selector,
    Shape,
    Subdomain,
    Text,
    UriMatch,
    wrong,
)
from laneway.schema.kind import Built, Kind, Pattern, Written, no_effect, not_honoured
from laneway.schema.laneway import ServiceKey, baselines_by_service

#: The label that links a lane to its group.
GROUP_LABEL = "swimlane-group"
#: The route header of a group that names none, as ASM has it.
DEFAULT_ROUTE_HEADER = "x-asm-prefer-tag"


_NOT_HONOURED = About("Not honoured yet, with a warning.", "暂不支持，并给出警告。", None)


class LaneService(Shape):
    about = About("A service.", "一个服务。", {"name": "mocka"})

    name: Annotated[Name, About("The service's name.", "服务名称。", "mocka")]
    namespace: Annotated[
        Name, About("The service's namespace.", "服务所在的命名空间。", "default")
    ] = DEFAULT_NAMESPACE
    cluster: Annotated[Opaque, _NOT_HONOURED] = None
    traffic_policy_patch: Annotated[Opaque, _NOT_HONOURED] = None
    http_route_patch: Annotated[Opaque, _NOT_HONOURED] = None

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)

    @classmethod
    def to(cls, name: ObjectName) -> Self:
        return cls.of(name=name.name, namespace=name.namespace)


Services = Annotated[list[LaneService], Field(min_length=1)]


class IngressGateway(Shape):
    name: Annotated[Subdomain, About("The gateway's name.", "网关名称。", "ingressgateway")]
    namespace: Annotated[
        Name, About("The gateway's namespace.", "网关所在的命名空间。", "istio-system")
    ] = "istio-system"
    type: Annotated[
        Text,
        About(
            "Any other type than `ASM` is treated as `ASM`, with a warning.",
            "`ASM` 以外的类型按 `ASM` 处理，并给出警告。",
            "ASM",
        ),
    ] = "ASM"


class RequestMatch(Shape):
    about = About("Conditions on a request.", "对请求的条件。", {"uri": {"exact": "/mock"}})

    uri: Annotated[
        UriMatch | None,
        About(
            "The path, without its query; any path, if not given.",
            "请求路径，不含查询参数；不填则匹配任意路径。",
            {"exact": "/mock"},
        ),
    ] = None
    headers: Annotated[
        Headers,
        About(
            "Conditions on headers, by name.",
            "对请求头的条件，以名称为索引。",
            {"x-user": {"exact": "jack"}},
        ),
    ] = {}

    @classmethod
    def written(cls, rule: IngressRule) -> RequestMatch:
        headers = {name: Match.written(match) for name, match in rule.headers.items()}
        uri = UriMatch.written(rule.uri) if rule.uri else None
        return cls.of(uri=uri, headers=headers or None)


class WeightedRoutingRule(Shape):
    hosts: Annotated[Hosts, About("Any of these hosts.", "匹配其中任一域名。", ["*.shop.test"])] = [
        "*"
    ]
    request_matches: Annotated[
        list[RequestMatch],
        About(
            "Requests that meet any of these; all requests, if not given.",
            "满足其中任一条件的请求；不填则为所有请求。",
            [{"uri": {"exact": "/mock"}}],
        ),
    ] = []


class IngressRouting(Shape):
    # The Go constants have an underscore, the OpenAPI description a hyphen.
    ingress_routing_strategy: Annotated[
        Literal["rule_based", "rule-based", "weighted"],
        About(
            "Whether lanes are chosen by their rules, or by weight.",
            "按规则还是按权重选择泳道。",
            "weighted",
        ),
    ] = "rule_based"
    weighted_routing_rule: Annotated[
        WeightedRoutingRule | None,
        About(
            "Which requests are given a lane by weight.",
            "哪些请求按权重选择泳道。",
            {"hosts": ["*"]},
        ),
    ] = None

    @property
    def weighted(self) -> bool:
        return self.ingress_routing_strategy == "weighted"

    def rules(self, destination: ObjectName) -> Iterator[IngressRule]:
        """What a request must meet to be given a lane by weight: one rule a match."""
        rule = self.weighted_routing_rule or WeightedRoutingRule()
        for number, match in enumerate(rule.request_matches or [RequestMatch()], start=1):
            yield IngressRule(
                name=f"weighted-{number}",
                destination=destination,
                hosts=tuple(rule.hosts),
                uri=match.uri.match if match.uri else None,
                headers={name: value.match for name, value in match.headers.items()},
            )


class Ingress(Shape):
    gateway: Annotated[
        IngressGateway | None,
        About("Where requests enter.", "请求进入的网关。", {"name": "ingressgateway"}),
    ] = None
    ingress_routing: Annotated[
        IngressRouting | None,
        About(
            "How lanes are chosen at the gateway.",
            "在网关处如何选择泳道。",
            {"ingressRoutingStrategy": "rule_based"},
        ),
    ] = None


class PermissiveModeConfiguration(Shape):
    fallback_target: Annotated[
        Name | None,
        About(
            "The baseline; the first lane declared, if not given.",
            "基线泳道；不填则为最先声明的泳道。",
            "s1",
        ),
    ] = None
    service_level_fallback_target: Annotated[
        dict[ServiceKey, Name],
        AfterValidator(baselines_by_service),
        About(
            "Baselines of single services, by `name` or `namespace/name`.",
            "个别服务的基线泳道，以 `name` 或 `namespace/name` 为索引。",
            {"mockc": "s2"},
        ),
    ] = {}
    trace_header: Annotated[
        EndToEndHeader | None,
        About(
            "What applications pass on; the route header, if not given.",
            "应用透传的请求头；不填则为引流请求头。",
            "my-request-id",
        ),
    ] = None
    route_header: Annotated[
        EndToEndHeader | None,
        About(
            "The header whose value names the lane; `x-asm-prefer-tag`, if not given.",
            "引流请求头，其值为泳道名称；不填则为 `x-asm-prefer-tag`。",
            "x-asm-prefer-tag",
        ),
    ] = None


class SwimLaneGroupSpec(Shape):
    services: Annotated[
        Services,
        About("All services of the call chain.", "调用链上的所有服务。", [{"name": "mocka"}]),
    ]
    ingress: Annotated[
        Ingress,
        About(
            "Where requests enter, and how lanes are chosen there.",
            "请求进入的网关，以及在此选择泳道的方式。",
            {"gateway": {"name": "ingressgateway"}},
        ),
    ] = Ingress()
    is_permissive: Annotated[
        bool,
        About("Whether the mode is permissive.", "是否为宽松模式；否则为严格模式。", True),
    ] = False
    permissive_mode_configuration: Annotated[
        PermissiveModeConfiguration,
        About(
            "Headers and baselines, in both modes.",
            "请求头与基线，两种模式下都有效。",
            {"routeHeader": "x-asm-prefer-tag"},
        ),
    ] = PermissiveModeConfiguration()
    default_traffic_policy_patch: Annotated[Opaque, _NOT_HONOURED] = None
    default_http_route_patch: Annotated[Opaque, _NOT_HONOURED] = None
    auto_update: Annotated[Opaque, _NOT_HONOURED] = None


class ASMSwimLaneGroupObject(Object):
    metadata: Annotated[Metadata, About("The name.", "名称。", {"name": "test"})]
    spec: Annotated[
        SwimLaneGroupSpec,
        About(
            "The services of a call chain, and how lanes among them work.",
            "一条调用链上的服务，以及其中泳道的工作方式。",
            {"services": [{"name": "mocka"}]},
        ),
    ]


def _service_of(host: str) -> ObjectName:
    name, _, rest = host.partition(".")
    namespace = rest.removesuffix(".svc.cluster.local").removesuffix(".svc") or DEFAULT_NAMESPACE
    return ObjectName(namespace, name)


def _service_host(host: str) -> str:
    name = _service_of(host)
    if not (is_label(name.name) and is_label(name.namespace)):
        raise wrong(
            f"`{host}` is not a service's host",
            "write name.namespace.svc.cluster.local, as in mocka.default.svc.cluster.local",
        )
    return host


ServiceHost = Annotated[
    str,
    AfterValidator(_service_host),
    Constraint(
        "`name`, `name.namespace` or `name.namespace.svc.cluster.local`",
        "`name`、`name.namespace` 或 `name.namespace.svc.cluster.local`",
    ),
]
_DESTINATION = {"host": "mocka.default.svc.cluster.local"}


class LaneDestination(Shape):
    host: Annotated[
        ServiceHost, About("The service's host.", "服务的主机名。", _DESTINATION["host"])
    ]
    port_num: Annotated[
        Port | None,
        About(
            "One of the service's ports; the first one, if not given.",
            "服务的某个端口；不填则为服务的第一个端口。",
            8000,
        ),
    ] = None

    @classmethod
    def written(cls, rule: IngressRule) -> LaneDestination:
        return cls.of(host=rule.destination.host, port_num=rule.port)


class RuleRoute(Shape):
    destination: Annotated[LaneDestination, About("The entry service.", "入口服务。", _DESTINATION)]


class LaneIngressRule(Shape):
    about = About(
        "Which requests may enter: all conditions must hold.",
        "哪些请求可以进入：必须满足所有条件。",
        {"name": "r1", "route": {"destination": _DESTINATION}},
    )

    name: Annotated[Name, About("Tells the rule apart.", "规则名称，用于区分规则。", "r1")]
    online: Annotated[bool, About("Whether the rule takes effect.", "规则是否生效。", False)] = True
    hosts: Annotated[Hosts, About("Any of these hosts.", "匹配其中任一域名。", ["*.shop.test"])] = [
        "*"
    ]
    match: Annotated[
        RequestMatch,
        About("Conditions on the request.", "对请求的条件。", {"uri": {"exact": "/mock"}}),
    ] = RequestMatch()
    route: Annotated[
        RuleRoute, About("Where requests go.", "请求的去向。", {"destination": _DESTINATION})
    ]

    @property
    def rule(self) -> IngressRule:
        return IngressRule(
            name=self.name,
            destination=_service_of(self.route.destination.host),
            hosts=tuple(self.hosts),
            uri=self.match.uri.match if self.match.uri else None,
            headers={name: match.match for name, match in self.match.headers.items()},
            port=self.route.destination.port_num,
            online=self.online,
        )

    @classmethod
    def written(cls, rule: IngressRule) -> LaneIngressRule:
        return cls.of(
            name=rule.name,
            online=rule.online,
            hosts=list(rule.hosts),
            match=RequestMatch.written(rule),
            route=RuleRoute.of(destination=LaneDestination.written(rule)),
        )


class IngressWeight(Shape):
    destination: Annotated[
        LaneDestination | None,
        About("Where such requests go.", "此类请求的去向。", _DESTINATION),
    ] = None
    weight: Annotated[
        Percentage,
        About(
            "The percentage of requests without a lane that enters this one.",
            "未指定泳道的请求中，进入本泳道的百分比。",
            10,
        ),
    ]


class SwimLaneSpec(Shape):
    label_selector: Annotated[
        Selector,
        About(
            "Labels of the lane's workloads.", "泳道中工作负载的标签。", {"ASM_TRAFFIC_TAG": "v2"}
        ),
    ]
    services: Annotated[
        Services | None,
        About(
            "The services that the lane contains; all of the group's, if not given.",
            "泳道包含的服务；不填则为泳道组的所有服务。",
            [{"name": "mocka"}],
        ),
    ] = None
    ingress_rules: Annotated[
        list[LaneIngressRule],
        About(
            "Which requests may enter the lane.",
            "哪些请求可以进入泳道。",
            [{"name": "r1", "route": {"destination": _DESTINATION}}],
        ),
    ] = []
    ingress_weight: Annotated[
        IngressWeight | None,
        About(
            "How many requests enter the lane by weight.",
            "按权重进入泳道的请求比例。",
            {"weight": 10, "destination": _DESTINATION},
        ),
    ] = None


class SwimLaneMetadata(Metadata):
    labels: Annotated[
        dict[Text, Text],
        Constraint(
            f"has `{GROUP_LABEL}`, the name of the group",
            f"必须包含 `{GROUP_LABEL}`，其值为泳道组名称",
        ),
        About("Labels, by key.", "标签，以键为索引。", {GROUP_LABEL: "test"}),
    ] = {}

    @model_validator(mode="after")
    def _linked(self) -> SwimLaneMetadata:
        if not self.labels.get(GROUP_LABEL):
            misspelt = nearest(GROUP_LABEL, self.labels)
            raise wrong(
                f"the label `{GROUP_LABEL}` is missing"
                + (f": has `{misspelt}`" if misspelt else ""),
                "it names the group that the lane belongs to",
                Code.MISSING_FIELD,
            )
        return self


class ASMSwimLaneObject(Object):
    metadata: Annotated[
        SwimLaneMetadata,
        About(
            "The name, and the label that links the lane to its group.",
            "名称，以及关联泳道组的标签。",
            {"name": "s2", "labels": {GROUP_LABEL: "test"}},
        ),
    ]
    spec: Annotated[
        SwimLaneSpec,
        About(
            "Versions of some of a group's services.",
            "泳道组中部分服务的某个版本。",
            {"labelSelector": {"ASM_TRAFFIC_TAG": "v2"}},
        ),
    ]


_GROUP_NOT_HONOURED: Mapping[Pattern, str] = {
    ("spec", "services", "*", "cluster"): "the service is the one of that name and namespace",
    ("spec", "services", "*", "trafficPolicyPatch"): "traffic policies are generated unpatched",
    ("spec", "services", "*", "httpRoutePatch"): "routes are generated unpatched",
    ("spec", "defaultTrafficPolicyPatch"): "traffic policies are generated unpatched",
    ("spec", "defaultHttpRoutePatch"): "routes are generated unpatched",
    ("spec", "autoUpdate"): "a change takes effect when it is applied",
}
_LANE_NOT_HONOURED: Mapping[Pattern, str] = {
    ("spec", "services", "*", "cluster"): "the service is the one of that name and namespace",
    ("spec", "services", "*", "trafficPolicyPatch"): "traffic policies are generated unpatched",
    ("spec", "services", "*", "httpRoutePatch"): "routes are generated unpatched",
}


def _unhonoured(document: Object, patterns: Mapping[Pattern, str]) -> Iterator[Finding]:
    data = document.model_dump(by_alias=True, exclude_unset=True)
    for pattern, instead in patterns.items():
        for path in _given(data, pattern):
            yield not_honoured(path, instead)


def _given(value: object, pattern: Pattern, path: Path = ()) -> Iterator[Path]:
    """The paths that match ``pattern`` and lead to something set (neither empty nor false)."""
    if not pattern:
        if value:
            yield path
    elif pattern[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _given(item, pattern[1:], (*path, index))
    elif isinstance(value, dict) and pattern[0] in value:
        yield from _given(value[pattern[0]], pattern[1:], (*path, pattern[0]))


def _build_group(document: ASMSwimLaneGroupObject) -> Built:
    spec = document.spec
    permissive = spec.permissive_mode_configuration
    route_header = permissive.route_header or DEFAULT_ROUTE_HEADER
    trace_header = permissive.trace_header or route_header
    warnings = list(_unhonoured(document, _GROUP_NOT_HONOURED))
    warnings.extend(_ingress_warnings(spec.ingress))
    gateway = spec.ingress.gateway
    routing = spec.ingress.ingress_routing or IngressRouting()
    weighted = routing.weighted
    group = LaneGroup(
        name=document.metadata.name,
        services=tuple(service.object_name for service in spec.services),
        route_header=route_header,
        trace_header=trace_header,
        gateway=ObjectName(gateway.namespace, gateway.name) if gateway else None,
        mode=Mode.PERMISSIVE if spec.is_permissive else Mode.STRICT,
        baseline=permissive.fallback_target,
        service_baselines={
            Reference.model_validate(service).object_name: lane
            for service, lane in permissive.service_level_fallback_target.items()
        },
        ingress=tuple(routing.rules(spec.services[0].object_name)) if weighted else (),
    )
    return group, warnings


def _ingress_warnings(ingress: Ingress) -> Iterator[Finding]:
    if ingress.gateway and ingress.gateway.type != "ASM":
        what = f"the gateway type `{ingress.gateway.type}`"
        instead = "the Gateway of that name is used, as with type ASM"
        yield not_honoured(("spec", "ingress", "gateway", "type"), instead, what)
    routing = ingress.ingress_routing
    if routing and routing.weighted_routing_rule and not routing.weighted:
        path = ("spec", "ingress", "ingressRouting", "weightedRoutingRule")
        yield no_effect(path, "the strategy is not `weighted`", "set ingressRoutingStrategy")


def _rules(spec: SwimLaneSpec) -> Iterator[IngressRule]:
    """The lane's own rules, and one without hosts that stands for the group's weighted rule."""
    yield from (rule.rule for rule in spec.ingress_rules)
    if spec.ingress_weight and (destination := spec.ingress_weight.destination):
        service = _service_of(destination.host)
        yield IngressRule("weighted", service, hosts=(), port=destination.port_num)


def _build_lane(document: ASMSwimLaneObject) -> Built:
    spec = document.spec
    lane = Lane(
        name=document.metadata.name,
        group=document.metadata.labels[GROUP_LABEL],
        selector=spec.label_selector,
        services=tuple(service.object_name for service in spec.services or ()),
        ingress=tuple(_rules(spec)),
        weight=spec.ingress_weight.weight if spec.ingress_weight else 0,
    )
    return lane, _unhonoured(document, _LANE_NOT_HONOURED)


def _write_group(group: LaneGroup) -> Written:
    """``group.ingress`` are the conditions of its weighted routing, which all have its hosts."""
    gateway = group.gateway
    routing = None
    if group.ingress:
        rule = WeightedRoutingRule.of(
            hosts=list(group.ingress[0].hosts),
            request_matches=[RequestMatch.written(rule) for rule in group.ingress],
        )
        routing = IngressRouting.of(ingress_routing_strategy="weighted", weighted_routing_rule=rule)
    ingress = Ingress.of(
        gateway=gateway
        and IngressGateway.of(name=gateway.name, namespace=gateway.namespace, type="ASM"),
        ingress_routing=routing,
    )
    baselines = {str(service): lane for service, lane in group.service_baselines.items()}
    return Metadata.of(name=group.name), SwimLaneGroupSpec.of(
        services=[LaneService.to(name) for name in group.services],
        ingress=ingress if ingress.model_fields_set else None,
        is_permissive=group.mode is Mode.PERMISSIVE,
        permissive_mode_configuration=PermissiveModeConfiguration.of(
            fallback_target=group.baseline,
            service_level_fallback_target=baselines or None,
            route_header=group.route_header,
            trace_header=group.trace_header,
        ),
    )


def _write_lane(lane: Lane) -> Written:
    """A rule without hosts is the destination of the lane's share of the weighted routing."""
    rules = [rule for rule in lane.ingress if rule.hosts]
    weighted = next((rule for rule in lane.ingress if not rule.hosts), None)
    weight = None
    if weighted or lane.weight:
        destination = LaneDestination.written(weighted) if weighted else None
        weight = IngressWeight.of(destination=destination, weight=lane.weight)
    metadata = SwimLaneMetadata.of(name=lane.name, labels={GROUP_LABEL: lane.group})
    return metadata, SwimLaneSpec.of(
        label_selector=dict(lane.selector),
        services=[LaneService.to(name) for name in lane.services] or None,
        ingress_rules=[LaneIngressRule.written(rule) for rule in rules] or None,
        ingress_weight=weight,
    )


_LINK = ("metadata", "labels", GROUP_LABEL)
_RULE = ("spec", "ingressRules", "*")
_GROUP_FIELDS: Mapping[Pattern, Pattern] = {
    ("spec", "gateway"): ("spec", "ingress", "gateway"),
    ("spec", "baseline"): ("spec", "permissiveModeConfiguration", "fallbackTarget"),
    ("spec", "routeHeader"): ("spec", "permissiveModeConfiguration", "routeHeader"),
    ("spec", "serviceBaselines"): (
        "spec",
        "permissiveModeConfiguration",
        "serviceLevelFallbackTarget",
    ),
    ("spec", "traceHeader"): ("spec", "permissiveModeConfiguration", "traceHeader"),
}
_LANE_FIELDS: Mapping[Pattern, Pattern] = {
    ("spec", "group"): _LINK,
    ("spec", "selector"): ("spec", "labelSelector"),
    ("spec", "ingress", "*", "uri"): (*_RULE, "match", "uri"),
    ("spec", "ingress", "*", "headers"): (*_RULE, "match", "headers"),
    ("spec", "ingress", "*", "destination", "service"): (*_RULE, "route", "destination", "host"),
    ("spec", "ingress", "*", "destination", "port"): (*_RULE, "route", "destination", "portNum"),
    ("spec", "ingress", "*"): _RULE,
    ("spec", "ingress"): ("spec", "ingressRules"),
    ("spec", "weight"): ("spec", "ingressWeight", "weight"),
}
_GROUP, _VERSIONS = "istio.alibabacloud.com", ("v1",)

GROUP = Kind(
    _GROUP,
    _VERSIONS,
    "ASMSwimLaneGroup",
    ASMSwimLaneGroupObject,
    LaneGroup,
    _build_group,
    _write_group,
    scope=(),
    fields=_GROUP_FIELDS,
    nulls=True,
)
LANE = Kind(
    _GROUP,
    _VERSIONS,
    "ASMSwimLane",
    ASMSwimLaneObject,
    Lane,
    _build_lane,
    _write_lane,
    scope=_LINK,
    fields=_LANE_FIELDS,
    nulls=True,
)
KINDS = (GROUP, LANE)
