"""laneway's own kinds ``LaneGroup`` and ``Lane`` (``laneway.dev/v1alpha1``), read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from laneway.model.findings import Finding
from laneway.model.lanes import (
    IngressRule,
    Lane,
    LaneGroup,
    Mode,
    Sticky,
    StickyKind,
    Unmatched,
)
from laneway.schema.fields import (
    EndToEndHeader,
    HeaderName,
    Headers,
    Hosts,
    Method,
    Name,
    Object,
    Percentage,
    Port,
    Query,
    Reference,
    References,
    Selector,
    Shape,
    UriMatch,
    expand_reference,
    names,
    wrong,
)
from laneway.schema.kind import Built, Kind, no_effect


class StickySpec(Shape):
    """What keeps a user in one lane: exactly one of a header and a cookie."""

    header: HeaderName | None = None
    cookie: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> StickySpec:
        if (self.header is None) == (self.cookie is None):
            raise wrong("needs one of header and cookie", "name what tells users apart")
        return self

    @property
    def sticky(self) -> Sticky:
        if self.header is not None:
            return Sticky(StickyKind.HEADER, self.header)
        return Sticky(StickyKind.COOKIE, self.cookie or "")


def baselines_by_service(value: dict[str, str]) -> dict[str, str]:
    """The keys are references; the field stays as written, so that findings can point into it."""
    for key in value:
        Reference.model_validate(key)
    return value


class Destination(Shape):
    """``{service, port}``, or the service alone."""

    service: Reference
    port: Port | None = None

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        return {"service": expand_reference(value)} if isinstance(value, str) else value


class IngressRuleSpec(Shape):
    name: Name
    hosts: Hosts = ["*"]
    uri: UriMatch | None = None
    headers: Headers = {}
    methods: list[Method] = []
    query: Query = {}
    destination: Destination
    online: bool = True

    @property
    def rule(self) -> IngressRule:
        return IngressRule(
            name=self.name,
            destination=self.destination.service.object_name,
            hosts=tuple(self.hosts),
            uri=self.uri.match if self.uri else None,
            headers={name: match.match for name, match in self.headers.items()},
            port=self.destination.port,
            online=self.online,
            methods=tuple(self.methods),
            query={name: match.match for name, match in self.query.items()},
        )


class LaneGroupSpec(Shape):
    gateway: Reference | None = None
    mode: Literal["permissive", "strict"] = "permissive"
    route_header: EndToEndHeader
    trace_header: EndToEndHeader | None = None
    baseline: Name | None = None
    service_baselines: Annotated[dict[str, Name], AfterValidator(baselines_by_service)] = {}
    unmatched: Literal["baseline", "notFound"] = "baseline"
    sticky: StickySpec | None = None
    ingress: list[IngressRuleSpec] = []
    services: References


class LaneGroupObject(Object):
    spec: LaneGroupSpec


class LaneSpec(Shape):
    group: Name
    selector: Selector
    services: References | None = None
    ingress: list[IngressRuleSpec] = []
    fallback: list[Name] = []
    mode: Literal["permissive", "strict"] | None = None
    weight: Percentage = 0


class LaneObject(Object):
    spec: LaneSpec


def _build_group(document: LaneGroupObject) -> Built:
    spec = document.spec
    trace_header = spec.trace_header or spec.route_header
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
    )
    return group, scope(document)


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
    )
    return lane, scope(document)


KINDS = (
    Kind("laneway.dev", ("v1alpha1",), "LaneGroup", LaneGroupObject, LaneGroup, _build_group, ()),
    Kind("laneway.dev", ("v1alpha1",), "Lane", LaneObject, Lane, _build_lane, ("spec", "group")),
)
