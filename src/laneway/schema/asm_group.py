"""ASM's ``ASMSwimLaneGroup``, read as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator

from laneway.model.findings import Finding
from laneway.model.lanes import IngressRule, LaneGroup, Mode
from laneway.model.names import ObjectName
from laneway.schema.asm_structs import Struct
from laneway.schema.asm_vocabulary import (
    API_GROUP,
    NOT_HONOURED,
    VERSIONS,
    LaneService,
    RequestMatch,
    Services,
    unhonoured,
)
from laneway.schema.field_metadata import About
from laneway.schema.fields import (
    EndToEndHeader,
    Hosts,
    Name,
    Opaque,
    Subdomain,
    Text,
)
from laneway.schema.kind import Built, Kind, Pattern, Written, no_effect, not_honoured
from laneway.schema.lane_sources import LaneHeader
from laneway.schema.laneway import ServiceKey, baselines_by_service
from laneway.schema.objects import Metadata, Object, Reference

#: The route header of a group that names none, as ASM has it.
DEFAULT_ROUTE_HEADER = "x-asm-prefer-tag"


class IngressGateway(Struct):
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


class WeightedRoutingRule(Struct):
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


class IngressRouting(Struct):
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


class Ingress(Struct):
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


class PermissiveModeConfiguration(Struct):
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
            "个别服务的基线泳道，以 `name` 或 `namespace/name` 为键。",
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
        LaneHeader | None,
        About(
            "The header whose value names the lane; `x-asm-prefer-tag`, if not given.",
            "引流请求头，其值为泳道名称；不填则为 `x-asm-prefer-tag`。",
            "x-asm-prefer-tag",
        ),
    ] = None


class SwimLaneGroupSpec(Struct):
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
    default_traffic_policy_patch: Annotated[Opaque, NOT_HONOURED] = None
    default_http_route_patch: Annotated[Opaque, NOT_HONOURED] = None
    auto_update: Annotated[Opaque, NOT_HONOURED] = None


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


_GROUP_NOT_HONOURED: Mapping[Pattern, str] = {
    ("spec", "services", "*", "cluster"): "the service is the one of that name and namespace",
    ("spec", "services", "*", "trafficPolicyPatch"): "traffic policies are generated unpatched",
    ("spec", "services", "*", "httpRoutePatch"): "routes are generated unpatched",
    ("spec", "defaultTrafficPolicyPatch"): "traffic policies are generated unpatched",
    ("spec", "defaultHttpRoutePatch"): "routes are generated unpatched",
    ("spec", "autoUpdate"): "a change takes effect when it is applied",
}


def _build_group(document: ASMSwimLaneGroupObject) -> Built:
    spec = document.spec
    permissive = spec.permissive_mode_configuration
    route_header = permissive.route_header or DEFAULT_ROUTE_HEADER
    trace_header = permissive.trace_header or route_header
    warnings = list(unhonoured(document, _GROUP_NOT_HONOURED))
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

GROUP = Kind(
    API_GROUP,
    VERSIONS,
    "ASMSwimLaneGroup",
    ASMSwimLaneGroupObject,
    LaneGroup,
    _build_group,
    _write_group,
    scope=(),
    fields=_GROUP_FIELDS,
    nulls=True,
)
