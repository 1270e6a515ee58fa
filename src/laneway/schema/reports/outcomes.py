"""A simulated request and its path as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from laneway.compile.simulate import Hop, Outcome, Request
from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import Text
from laneway.schema.reports.report import Number, Report

#: The values of ``Why``; a test compares the two.
Reasons = Literal[
    "rule",
    "trace header set",
    "header",
    "caller's lane",
    "weight",
    "trace memory",
    "baggage",
    "name read",
    "enter rule",
    "rule's action",
    "service in no group",
    "no lane named",
    "unknown lane",
    "lane disabled",
    "lane expired",
    "lane has no such rule",
    "lane has no such service",
    "no ready instance",
    "call past the sidecar",
]
HeaderValue = Annotated[
    str | list[str],
    Constraint("text, or a list where the header is repeated", "文本；重复的请求头为列表"),
]


class RequestReport(Report):
    about = About("A request at a gateway.", "发往网关的请求。", None)

    host: Annotated[Text, About("The host.", "请求的域名。", "localhost")]
    path: Annotated[Text, About("The path, with its query.", "路径，含查询参数。", "/mock")]
    method: Annotated[Text, About("The method.", "请求方法。", "GET")]
    headers: Annotated[
        dict[Text, HeaderValue],
        About("Headers, by name.", "请求头，以名称为键。", {"x-asm-prefer-tag": "s3"}),
    ]


class ReasonReport(Report):
    about = About("Why a lane answers.", "由某个泳道应答的原因。", None)

    why: Annotated[Reasons, About("The kind of reason.", "原因的类别。", "no ready instance")]
    text: Annotated[
        Text, About("The reason, in words.", "原因说明。", "lane s3 has no default/mockb")
    ]
    phrase: Annotated[
        Text,
        About(
            "Which sentence that is, for translations.",
            "原因说明的句式，供翻译使用。",
            "lane has no service",
        ),
    ]
    arguments: Annotated[
        dict[Text, Text],
        About(
            "What stands in the sentence, by name.",
            "句中的各项内容，以名称为键。",
            {"lane": "s3", "service": "default/mockb"},
        ),
    ]


class HopReport(Report):
    about = About("One request of the path.", "路径上的一次请求。", None)

    caller: Annotated[
        Text | None,
        About(
            "The service that calls; null for the gateway.",
            "调用方服务；网关为 null。",
            "default/mocka",
        ),
    ]
    service: Annotated[
        Text, About("The service that is called.", "被调用的服务。", "default/mockb")
    ]
    port: Annotated[Number, About("The service's port.", "服务的端口。", 8000)]
    intended_lane: Annotated[
        Text | None, About("The lane that the request names.", "请求指定的泳道。", "s3")
    ]
    served_lane: Annotated[Text | None, About("The lane that answers.", "实际应答的泳道。", "s1")]
    workloads: Annotated[
        list[Text],
        About(
            "Any of these answers; empty if nobody does.",
            "由其中任一应答；为空表示无应答。",
            ["default/mockb-v1"],
        ),
    ]
    reasons: Annotated[
        list[ReasonReport],
        About("Why this lane answers.", "由该泳道应答的原因。", []),
    ]

    @classmethod
    def made_of(cls, hop: Hop) -> HopReport:
        return cls.model_construct(
            caller=str(hop.caller) if hop.caller else None,
            service=str(hop.service),
            port=hop.port,
            intended_lane=hop.intended,
            served_lane=hop.served,
            workloads=[str(workload) for workload in hop.workloads],
            reasons=[
                ReasonReport.of(
                    why=each.why.value,
                    text=each.text,
                    phrase=each.phrase,
                    arguments=dict(each.arguments),
                )
                for each in hop.reasons
            ],
        )


class FailureReport(Report):
    about = About("Why the path ends early.", "路径提前结束的原因。", None)

    message: Annotated[Text, About("The reason, in words.", "原因说明。", "no rule takes it")]
    status: Annotated[
        Number | None,
        About(
            "The proxy's answer; null if it cannot be known.",
            "代理返回的状态码；无法确定时为 null。",
            404,
        ),
    ]


class ExplanationReport(Report):
    about = About("Where a request goes, and why.", "请求的去向及原因。", None)

    request: Annotated[RequestReport, About("What was asked.", "所模拟的请求。", None)]
    hops: Annotated[
        list[HopReport],
        About("The path, up to the first request that fails.", "路径，直到第一个失败的请求。", []),
    ]
    failure: Annotated[
        FailureReport | None,
        About("Null if every request is answered.", "全部应答时为 null。", None),
    ]
    unknown_calls: Annotated[
        list[Text],
        About(
            "Services of the path of whose own calls nothing is known.",
            "路径上无法得知其后续调用的服务。",
            ["default/mocka"],
        ),
    ]

    @classmethod
    def made_of(cls, request: Request, outcome: Outcome) -> ExplanationReport:
        failure = outcome.failure
        return cls.model_construct(
            request=RequestReport.of(
                host=request.host,
                path=request.path,
                method=request.method,
                headers={
                    name: value if isinstance(value, str) else list(value)
                    for name, value in request.headers.items()
                },
            ),
            hops=[HopReport.made_of(hop) for hop in outcome.hops],
            failure=failure
            and FailureReport.model_construct(message=failure.message, status=failure.status),
            unknown_calls=[str(service) for service in outcome.unknown_calls],
        )
