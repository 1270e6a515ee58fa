"""ASM's ``ASMSwimLane``, read as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, model_validator

from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.label_selectors import admitted, equal_labels
from laneway.model.lanes import IngressRule, Lane
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_label
from laneway.model.suggestions import nearest
from laneway.schema.asm_structs import Struct
from laneway.schema.asm_vocabulary import (
    API_GROUP,
    VERSIONS,
    LaneService,
    RequestMatch,
    Services,
    unhonoured,
)
from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import (
    Hosts,
    Name,
    Percentage,
    Port,
    Selector,
    Text,
    wrong,
)
from laneway.schema.kind import Built, Kind, Pattern, Written
from laneway.schema.objects import Metadata, Object

#: The label that links a lane to its group.
GROUP_LABEL = "swimlane-group"


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


class LaneDestination(Struct):
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


class RuleRoute(Struct):
    destination: Annotated[LaneDestination, About("The entry service.", "入口服务。", _DESTINATION)]


class LaneIngressRule(Struct):
    about = About(
        "Which requests may enter: all conditions must hold.",
        "哪些请求可以进入：必须满足所有条件。",
        {"name": "r1", "route": {"destination": _DESTINATION}},
    )

    name: Annotated[Name, About("Tells the rule apart.", "规则名称，用于区分规则。", "r1")]
    online: Annotated[
        bool,
        About(
            "Whether the rule takes effect. ASM's type has no other default; a rule without it is "
            "offline, with a warning.",
            "规则是否生效。ASM 的类型即以此为默认值；未填写的规则不生效，并给出警告。",
            True,
        ),
    ] = False
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


class IngressWeight(Struct):
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
    ] = 0


class SwimLaneSpec(Struct):
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
        About("Labels, by key.", "标签，以键为键。", {GROUP_LABEL: "test"}),
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


_LANE_NOT_HONOURED: Mapping[Pattern, str] = {
    ("spec", "services", "*", "cluster"): "the service is the one of that name and namespace",
    ("spec", "services", "*", "trafficPolicyPatch"): "traffic policies are generated unpatched",
    ("spec", "services", "*", "httpRoutePatch"): "routes are generated unpatched",
}


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
    return lane, [*unhonoured(document, _LANE_NOT_HONOURED), *_without_online(spec)]


def _without_online(spec: SwimLaneSpec) -> Iterator[Finding]:
    """Warnings: somebody may have meant such a rule to take effect."""
    for index, rule in enumerate(spec.ingress_rules):
        if "online" not in rule.model_fields_set:
            yield Finding(
                Code.NO_EFFECT,
                f"rule {rule.name} has no effect: it has no `online`, which ASM reads as false",
                "write online: true, or online: false if it is meant to be offline",
                path=("spec", "ingressRules", index, "online"),
                severity=Severity.WARNING,
            )


def _write_lane(lane: Lane) -> Written:
    """Only equal labels can be said. A rule without hosts is the destination of the lane's share of
    the weighted routing."""
    rules = [rule for rule in lane.ingress if rule.hosts]
    weighted = next((rule for rule in lane.ingress if not rule.hosts), None)
    weight = None
    if weighted or lane.weight:
        destination = LaneDestination.written(weighted) if weighted else None
        weight = IngressWeight.of(destination=destination, weight=lane.weight)
    metadata = SwimLaneMetadata.of(name=lane.name, labels={GROUP_LABEL: lane.group})
    return metadata, SwimLaneSpec.of(
        label_selector=dict(equal_labels(admitted(lane.selector, lane.match_expressions))),
        services=[LaneService.to(name) for name in lane.services] or None,
        ingress_rules=[LaneIngressRule.written(rule) for rule in rules] or None,
        ingress_weight=weight,
    )


_LINK = ("metadata", "labels", GROUP_LABEL)
_RULE = ("spec", "ingressRules", "*")

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

LANE = Kind(
    API_GROUP,
    VERSIONS,
    "ASMSwimLane",
    ASMSwimLaneObject,
    Lane,
    _build_lane,
    _write_lane,
    scope=_LINK,
    fields=_LANE_FIELDS,
    nulls=True,
)
