"""ASM's ``istio.alibabacloud.com/v1`` ``ASMSwimLaneGroup`` and ``ASMSwimLane``, read as they are.

Every field is known here. One that laneway cannot honour yet is a warning that names it and says
what happens instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_label
from laneway.model.suggestions import nearest
from laneway.schema.fields import (
    EndToEndHeader,
    Headers,
    Hosts,
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
    UriMatch,
    wrong,
)
from laneway.schema.kind import Built, Kind, Pattern, no_effect, not_honoured
from laneway.schema.laneway import baselines_by_service

#: The label that links a lane to its group.
GROUP_LABEL = "swimlane-group"
#: The route header of a group that names none, as ASM has it.
DEFAULT_ROUTE_HEADER = "x-asm-prefer-tag"


class LaneService(Shape):
    name: Name
    namespace: Name = DEFAULT_NAMESPACE
    cluster: Opaque = None
    traffic_policy_patch: Opaque = None
    http_route_patch: Opaque = None

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)


Services = Annotated[list[LaneService], Field(min_length=1)]


class IngressGateway(Shape):
    name: Subdomain
    namespace: Name = "istio-system"
    type: str = "ASM"


class RequestMatch(Shape):
    uri: UriMatch | None = None
    headers: Headers = {}


class WeightedRoutingRule(Shape):
    hosts: Hosts = ["*"]
    request_matches: list[RequestMatch] = []


class IngressRouting(Shape):
    # The Go constants have an underscore, the OpenAPI description a hyphen.
    ingress_routing_strategy: Literal["rule_based", "rule-based", "weighted"] = "rule_based"
    weighted_routing_rule: WeightedRoutingRule | None = None

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
    gateway: IngressGateway | None = None
    ingress_routing: IngressRouting | None = None


class PermissiveModeConfiguration(Shape):
    fallback_target: Name | None = None
    service_level_fallback_target: Annotated[
        dict[str, Name], AfterValidator(baselines_by_service)
    ] = {}
    trace_header: EndToEndHeader | None = None
    route_header: EndToEndHeader | None = None


class GroupSpec(Shape):
    services: Services
    ingress: Ingress = Ingress()
    is_permissive: bool = False
    permissive_mode_configuration: PermissiveModeConfiguration = PermissiveModeConfiguration()
    default_traffic_policy_patch: Opaque = None
    default_http_route_patch: Opaque = None
    auto_update: Opaque = None


class GroupObject(Object):
    spec: GroupSpec


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


class LaneDestination(Shape):
    host: Annotated[str, AfterValidator(_service_host)]
    port_num: Port | None = None


class RuleRoute(Shape):
    destination: LaneDestination


class LaneIngressRule(Shape):
    name: Name
    online: bool = True
    hosts: Hosts = ["*"]
    match: RequestMatch = RequestMatch()
    route: RuleRoute

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


class IngressWeight(Shape):
    destination: LaneDestination | None = None
    weight: Percentage


class LaneSpec(Shape):
    label_selector: Selector
    services: Services | None = None
    ingress_rules: list[LaneIngressRule] = []
    ingress_weight: IngressWeight | None = None


class LaneMetadata(Metadata):
    @model_validator(mode="after")
    def _linked(self) -> LaneMetadata:
        if not self.labels.get(GROUP_LABEL):
            misspelt = nearest(GROUP_LABEL, self.labels)
            raise wrong(
                f"the label `{GROUP_LABEL}` is missing"
                + (f": has `{misspelt}`" if misspelt else ""),
                "it names the group that the lane belongs to",
                Code.MISSING_FIELD,
            )
        return self


class LaneObject(Object):
    metadata: LaneMetadata
    spec: LaneSpec


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


def _build_group(document: GroupObject) -> Built:
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


def _rules(spec: LaneSpec) -> Iterator[IngressRule]:
    """The lane's own rules, and one without hosts that stands for the group's weighted rule."""
    yield from (rule.rule for rule in spec.ingress_rules)
    if spec.ingress_weight and (destination := spec.ingress_weight.destination):
        service = _service_of(destination.host)
        yield IngressRule("weighted", service, hosts=(), port=destination.port_num)


def _build_lane(document: LaneObject) -> Built:
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

KINDS = (
    Kind(
        _GROUP,
        _VERSIONS,
        "ASMSwimLaneGroup",
        GroupObject,
        LaneGroup,
        _build_group,
        scope=(),
        fields=_GROUP_FIELDS,
        nulls=True,
    ),
    Kind(
        _GROUP,
        _VERSIONS,
        "ASMSwimLane",
        LaneObject,
        Lane,
        _build_lane,
        scope=_LINK,
        fields=_LANE_FIELDS,
        nulls=True,
    ),
)
