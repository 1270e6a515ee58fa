"""The shapes of what laneway's operator reports in ``status``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import ValidationError

from laneway.model.findings import Finding
from laneway.schema.field_metadata import About, ClusterBound, Constraint, KeyedBy
from laneway.schema.fields import Shape, Text
from laneway.schema.problems import problems

Count = Annotated[int, Constraint("0 or more", "不小于 0", minimum=0, format="int64")]
Time = Annotated[str, Constraint("a time (RFC 3339)", "时间（RFC 3339）", format="date-time")]


class Condition(Shape):
    about = About("A condition, as in Kubernetes.", "状况，与 Kubernetes 相同。", None)

    type: Annotated[
        Text,
        ClusterBound(316),
        About(
            "Accepted, Programmed, Ready or SharesWorkloads.",
            "Accepted、Programmed、Ready 或 SharesWorkloads。",
            "Accepted",
        ),
    ]
    status: Annotated[
        Literal["True", "False", "Unknown"],
        About("Whether the condition holds.", "状况是否成立。", "True"),
    ]
    reason: Annotated[
        Text, ClusterBound(1024), About("The reason, as a code.", "原因代码。", "Valid")
    ]
    message: Annotated[
        Text, ClusterBound(32768), About("The reason, in words.", "原因说明。", "it has errors")
    ]
    observed_generation: Annotated[
        Count | None, About("The generation that this is about.", "对应的资源版本。", 1)
    ] = None
    last_transition_time: Annotated[
        Time,
        About("When `status` changed last.", "`status` 上次变化的时间。", "2026-01-01T00:00:00Z"),
    ]


class ServiceInstances(Shape):
    about = About(
        "How many of the lane's pods one service has, and how many are ready.",
        "泳道中某个服务的 Pod 数量和就绪数量。",
        None,
    )

    namespace: Annotated[Text, About("The service's namespace.", "服务所在的命名空间。", "default")]
    name: Annotated[Text, About("The service's name.", "服务名称。", "mocka")]
    ready: Annotated[Count, About("Pods that are ready.", "就绪的 Pod 数量。", 1)]
    total: Annotated[Count, About("All pods.", "Pod 总数。", 2)]


class GroupStatus(Shape):
    observed_generation: Annotated[
        Count | None, About("The generation that this is about.", "对应的资源版本。", 1)
    ] = None
    conditions: Annotated[
        list[Condition],
        ClusterBound(8),
        KeyedBy("type"),
        About(
            "Accepted, Programmed, Ready; of a lane SharesWorkloads, if another has its pods.",
            "Accepted、Programmed 和 Ready；泳道与其他泳道共用 Pod 时还有 SharesWorkloads。",
            [],
        ),
    ] = []


class LaneGroupStatus(GroupStatus):
    baseline: Annotated[
        Text | None,
        ClusterBound(63),
        About(
            "The baseline, as it was first accepted. It stays if other lanes come, or if "
            "`spec.baseline` is removed.",
            "首次接受时的基线泳道。新增泳道或删除 `spec.baseline` 都不会改变它。",
            "s1",
        ),
    ] = None


class LaneStatus(GroupStatus):
    services: Annotated[
        list[ServiceInstances],
        ClusterBound(1000),
        About("The lane's services.", "泳道的服务。", []),
    ] = []


_SHAPES: Mapping[str, type[GroupStatus]] = {"LaneGroup": LaneGroupStatus, "Lane": LaneStatus}


def status_findings(kind: str, status: object) -> list[Finding]:
    """What is wrong with the status of an object of this kind; no status is right, too."""
    shape = _SHAPES.get(kind)
    if shape is None or status is None:
        return []
    try:
        shape.model_validate(status)
    except ValidationError as error:
        found = problems(error, shape)
        return [replace(each, path=("status", *each.path)) for each in found]
    return []
