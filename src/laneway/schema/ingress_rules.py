"""An ingress rule of a lane or a group: which requests may enter, where they go, what is done."""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator

from laneway.model.lanes import IngressRule
from laneway.schema.field_metadata import About, Constraint, Rule
from laneway.schema.fields import Hosts, Methods, Name, Percentage, Port, Shape, wrong
from laneway.schema.lane_sources import StickySpec
from laneway.schema.objects import Reference, expand_reference
from laneway.schema.request_matches import HeaderConditions, Match, PathCondition, Query, UriMatch
from laneway.schema.rule_actions import ActionsSpec


class Destination(Shape):
    """``{service, port}``, or the service alone."""

    short_form = Reference.short_form
    summary = Constraint(
        "a service, or `{service, port}`; a service is `name`, `namespace/name` or "
        "`{name, namespace}`",
        "服务，或 `{service, port}`；服务写作 `name`、`namespace/name` 或 `{name, namespace}`",
    )

    service: Annotated[Reference, About("The service.", "目标服务。", "default/mocka")]
    port: Annotated[
        Port | None,
        About(
            "One of the service's ports; the first one, if not given.",
            "服务的某个端口；不填则为服务的第一个端口。",
            8000,
        ),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        return {"service": expand_reference(value)} if isinstance(value, str) else value


class IngressRuleSpec(Shape):
    about = About(
        "Which requests may enter: all conditions must hold.",
        "哪些请求可以进入：必须满足所有条件。",
        {"name": "r1", "destination": "mocka"},
    )
    cel_rules = (
        Rule(
            "!(has(self.weight) || has(self.sticky)) || (has(self.enter) && self.enter)",
            "weight and sticky are of rules with enter: true",
        ),
        Rule(
            "has(self.uri) || !has(self.actions) || !has(self.actions.rewrite) || "
            "!has(self.actions.rewrite.uri)",
            "rewrite.uri replaces what the rule's uri matches, so it needs one",
        ),
    )

    name: Annotated[Name, About("Tells the rule apart.", "规则名称，用于区分规则。", "r1")]
    hosts: Annotated[Hosts, About("Any of these hosts.", "匹配其中任一域名。", ["*.shop.test"])] = [
        "*"
    ]
    uri: PathCondition = None
    headers: HeaderConditions = {}
    methods: Annotated[
        Methods,
        About(
            "Any of these methods; any at all, if not given.",
            "匹配其中任一方法；不填则匹配任意方法。",
            ["GET", "POST"],
        ),
    ] = []
    query: Annotated[
        Query,
        About(
            "Conditions on query parameters, by name.",
            "对查询参数的条件，以名称为键。",
            {"debug": {"exact": "1"}},
        ),
    ] = {}
    destination: Annotated[
        Destination, About("The entry service.", "入口服务。", {"service": "mocka", "port": 8000})
    ]
    online: Annotated[bool, About("Whether the rule takes effect.", "规则是否生效。", False)] = True
    enter: Annotated[
        bool,
        About(
            "Whether requests that name no lane enter this one by meeting the rule.",
            "未指定泳道的请求满足规则时，是否进入本泳道。",
            True,
        ),
    ] = False
    weight: Annotated[
        Percentage | None,
        About(
            "With `enter`: the percentage of these requests that enters; all, if not given.",
            "与 `enter` 同用：进入本泳道的请求百分比；不填则全部进入。",
            10,
        ),
    ] = None
    sticky: Annotated[
        StickySpec | None,
        About(
            "With `enter`: what keeps a user in or out of the lane; the group's, if not given.",
            "与 `enter` 同用：使同一用户始终进入或始终不进入泳道；不填则与泳道组相同。",
            {"header": "x-user"},
        ),
    ] = None

    actions: Annotated[
        ActionsSpec,
        About(
            "What happens to the rule's requests besides routing them.",
            "除路由外，对满足规则的请求的处理。",
            {"timeout": "5s"},
        ),
    ] = ActionsSpec()

    @model_validator(mode="after")
    def _rewrites_what_it_matches(self) -> IngressRuleSpec:
        rewrite = self.actions.rewrite
        if rewrite and rewrite.uri is not None and self.uri is None:
            raise wrong(
                "actions.rewrite.uri replaces what the rule's uri matches, and the rule has none",
                "say which paths: uri: {prefix: /}, if all",
            )
        return self

    @model_validator(mode="after")
    def _only_with_enter(self) -> IngressRuleSpec:
        for name in ("weight", "sticky"):
            if getattr(self, name) is not None and not self.enter:
                raise wrong(
                    f"{name} says how many requests enter without naming the lane, and this rule "
                    "lets none do so",
                    f"add enter: true, or remove {name}",
                )
        return self

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
            enter=self.enter,
            weight=100 if self.weight is None else self.weight,
            sticky=self.sticky.sticky if self.sticky else None,
            actions=self.actions.actions,
        )

    @classmethod
    def written(cls, rule: IngressRule) -> IngressRuleSpec:
        return cls.of(
            name=rule.name,
            hosts=list(rule.hosts),
            uri=UriMatch.written(rule.uri) if rule.uri else None,
            headers={name: Match.written(match) for name, match in rule.headers.items()},
            methods=list(rule.methods),
            query={name: Match.written(match) for name, match in rule.query.items()},
            destination=Destination.of(service=Reference.to(rule.destination), port=rule.port),
            online=rule.online,
            enter=rule.enter,
            weight=rule.weight if rule.enter and rule.weight != 100 else None,
            sticky=StickySpec.written(rule.sticky) if rule.sticky else None,
            actions=ActionsSpec.written(rule.actions),
        )
