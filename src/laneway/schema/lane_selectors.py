"""How a lane's document says which workloads are its own: labels and Kubernetes' matchExpressions.

They are two fields of the lane, ``selector`` and ``matchExpressions``; both must hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, model_validator

from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.label_selectors import LabelRequirement, Operator, admitted, is_possible
from laneway.model.lanes import Lane
from laneway.schema.field_metadata import About, ClusterBound, Rule
from laneway.schema.fields import AnyLabels, LabelKey, LabelValue, Shape, wrong

_EXAMPLE = {"key": "lane", "operator": "DoesNotExist"}


class LabelRequirementSpec(Shape):
    about = About(
        "A condition on one label, as in Kubernetes.",
        "对单个标签的条件，与 Kubernetes 相同。",
        _EXAMPLE,
    )
    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)",
            "In and NotIn need values, Exists and DoesNotExist take none",
        ),
    )

    key: Annotated[LabelKey, About("The label's key.", "标签键。", "lane")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"],
        About(
            "What the label must be: one of `values`; none of them, or missing; there; missing.",
            "标签须满足：取 `values` 之一；不取其中任何值或不存在；存在；不存在。",
            "NotIn",
        ),
    ]
    values: Annotated[
        Annotated[list[LabelValue], ClusterBound(64)],
        About("Values, for `In` and `NotIn`.", "`In` 和 `NotIn` 的取值。", ["beta"]),
    ] = []

    @model_validator(mode="after")
    def _values_where_they_count(self) -> LabelRequirementSpec:
        takes = self.operator in ("In", "NotIn")
        if takes and not self.values:
            raise wrong(f"{self.operator} needs values", "write them, as in values: [beta]")
        if self.values and not takes:
            raise wrong(f"{self.operator} takes no values", "remove them, or write In or NotIn")
        return self

    @property
    def requirement(self) -> LabelRequirement:
        return LabelRequirement(self.key, Operator(self.operator), tuple(self.values))

    @classmethod
    def written(cls, one: LabelRequirement) -> LabelRequirementSpec:
        values = list(one.values) or None
        return cls.of(key=one.key, operator=one.operator.value, values=values)


def _labels_alone(value: Any) -> Any:
    """Kubernetes writes labels and expressions as two fields of a selector; here they are the
    lane's own."""
    nested = value.keys() & {"matchLabels", "matchExpressions"} if isinstance(value, dict) else ()
    if any(isinstance(value[field], dict | list) for field in nested):
        raise wrong(
            f"a lane's `selector` holds the labels themselves, not {' and '.join(sorted(nested))}",
            "write `selector: {lane: beta}` and, beside it, `matchExpressions: [...]`",
        )
    return value


LaneLabels = Annotated[AnyLabels, BeforeValidator(_labels_alone)]
LabelRequirements = Annotated[list[LabelRequirementSpec], ClusterBound(16)]

SELECTS = Rule(
    "(has(self.selector) && self.selector.size() > 0) || "
    "(has(self.matchExpressions) && self.matchExpressions.size() > 0)",
    "a lane needs a selector or matchExpressions",
)


def selector_findings(lane: Lane) -> Iterator[Finding]:
    """An error for a lane that does not say which workloads it has, or can have none at all."""
    asked = admitted(lane.selector, lane.match_expressions)
    if not asked:
        yield Finding(
            Code.MISSING_FIELD,
            "the lane does not say which workloads are its own",
            "give it labels, or matchExpressions: [{key: lane, operator: DoesNotExist}] for the "
            "workloads that no other lane has a label for",
            path=("spec", "selector"),
        )
    elif not is_possible(asked):
        keys = ", ".join(key for key, states in asked.items() if states.impossible)
        yield Finding(
            Code.NO_EFFECT,
            f"no workload can meet all conditions on the label {keys}",
            "remove one of them",
            path=("spec", "matchExpressions"),
            severity=Severity.WARNING,
        )


def written_labels(labels: Mapping[str, str]) -> dict[str, str] | None:
    return dict(labels) or None
