"""A finding as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from laneway.model.examples import Example
from laneway.model.findings import Finding
from laneway.schema.field_metadata import About, Constraint
from laneway.schema.fields import Text
from laneway.schema.reports.report import Number, Report

_CURL = "curl -H 'x-lane: s2' http://localhost/mock"


class ExampleReport(Report):
    about = About("A request that shows a finding.", "能重现该问题的请求。", None)

    gateway: Annotated[
        Text,
        About("The gateway that it is sent to.", "请求发往的网关。", "istio-system/ingressgateway"),
    ]
    port: Annotated[Number, About("The gateway's port.", "网关端口。", 80)]
    method: Annotated[Text, About("The method.", "请求方法。", "GET")]
    host: Annotated[Text, About("The host.", "请求的域名。", "shop.test")]
    path: Annotated[Text, About("The path, with its query.", "路径，含查询参数。", "/mock")]
    headers: Annotated[
        dict[Text, Text], About("Headers, by name.", "请求头，以名称为键。", {"x-lane": "s2"})
    ]
    down: Annotated[
        list[Text],
        About("Workloads that are not ready.", "未就绪的工作负载。", ["default/mocka-v2"]),
    ]
    outcome: Annotated[
        Text, About("What comes of it, in words.", "请求的结果说明。", "404: no rule takes it")
    ]
    curl: Annotated[Text, About("The request as a command.", "对应的 curl 命令。", _CURL)]

    @classmethod
    def made_of(cls, example: Example) -> ExampleReport:
        return cls.of(
            gateway=str(example.gateway),
            port=example.port,
            method=example.method,
            host=example.host,
            path=example.path,
            headers=dict(example.headers),
            down=[str(workload) for workload in example.down],
            outcome=example.outcome,
            curl=example.curl(),
        )


class PatchOperationReport(Report):
    about = About("A step of a JSON patch (RFC 6902).", "JSON Patch（RFC 6902）的一个步骤。", None)

    op: Annotated[Literal["test", "remove"], About("What it does.", "操作。", "remove")]
    path: Annotated[
        Text, About("Where, as a JSON pointer.", "位置，JSON Pointer 格式。", "/spec/ingress/1")
    ]
    value: Annotated[
        Any,
        Constraint("any value", "任意值"),
        About("With `test`: what has to stand there.", "用于 `test`：该处应有的值。", None),
    ]


class FindingReport(Report):
    about = About("One thing that is wrong, or doubtful.", "一个错误或疑点。", None)

    severity: Annotated[
        Literal["error", "warning", "note"],
        About("An error stops rendering and starting.", "错误会阻止生成和启动。", "error"),
    ]
    code: Annotated[
        Text, About("What is wrong, as a stable code.", "固定不变的问题代码。", "UNKNOWN_SERVICE")
    ]
    kind: Annotated[Text | None, About("The object's kind.", "对象的类型。", "LaneGroup")]
    name: Annotated[
        Text | None,
        About("The object's name within its scope.", "对象在其作用域内的名称。", "test"),
    ]
    field: Annotated[
        Text | None, About("The field's path.", "字段的路径。", "spec.services[2].name")
    ]
    message: Annotated[
        Text,
        About("What is wrong, in words.", "问题说明。", "there is no Service default/mockd"),
    ]
    fix: Annotated[
        Text | None,
        About("What would be right.", "正确的写法。", "did you mean default/mockb?"),
    ]
    file: Annotated[
        Text | None, About("The file as it was named.", "文件名，与命令行一致。", "lanes.yaml")
    ]
    document: Annotated[
        Number | None,
        About("The document within the file, from 1.", "文件中的第几个文档，从 1 开始。", 4),
    ]
    line: Annotated[
        Number | None, About("The line within the file, from 1.", "文件中的行号，从 1 开始。", 32)
    ]
    example: Annotated[
        ExampleReport | None,
        About(
            "A request that shows it (`analyze` alone).",
            "能重现该问题的请求（仅 `analyze`）。",
            None,
        ),
    ]

    patch: Annotated[
        list[PatchOperationReport] | None,
        About(
            "A correction of the object that leads no request elsewhere (`analyze` alone).",
            "对该对象的修正，不会改变任何请求的路径（仅 `analyze`）。",
            [{"op": "remove", "path": "/spec/ingress/1", "value": None}],
        ),
    ]

    @classmethod
    def made_of(
        cls, finding: Finding, patch: Sequence[Mapping[str, Any]] | None = None
    ) -> FindingReport:
        source, subject = finding.source, finding.subject
        return cls.model_construct(
            severity=finding.severity.value,
            code=str(finding.code),
            kind=subject.kind if subject else None,
            name=subject.name if subject else None,
            field=finding.field or None,
            message=finding.message,
            fix=finding.fix or None,
            file=source.file if source else None,
            document=source.document if source else None,
            line=source.line if source else None,
            example=ExampleReport.made_of(finding.example) if finding.example else None,
            patch=None if patch is None else [_operation(each) for each in patch],
        )


def _operation(step: Mapping[str, Any]) -> PatchOperationReport:
    return PatchOperationReport.model_construct(
        op=step["op"], path=step["path"], value=step.get("value")
    )
