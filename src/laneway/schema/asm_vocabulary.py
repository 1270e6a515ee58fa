"""What ASM's two kinds have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from laneway.model.findings import Finding, Path
from laneway.model.lanes import IngressRule
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName
from laneway.schema.asm_structs import Struct, StructMatch, StructUriMatch, is_zero
from laneway.schema.field_metadata import About
from laneway.schema.fields import HeaderName, Name, Opaque
from laneway.schema.kind import Pattern, not_honoured
from laneway.schema.objects import Object
from laneway.schema.request_matches import each_once

#: The API group of ASM's kinds, and its versions.
API_GROUP, VERSIONS = "istio.alibabacloud.com", ("v1",)

NOT_HONOURED = About("Not honoured yet, with a warning.", "暂不支持，并给出警告。", None)


class LaneService(Struct):
    about = About("A service.", "一个服务。", {"name": "mocka"})

    name: Annotated[Name, About("The service's name.", "服务名称。", "mocka")]
    namespace: Annotated[
        Name, About("The service's namespace.", "服务所在的命名空间。", "default")
    ] = DEFAULT_NAMESPACE
    cluster: Annotated[Opaque, NOT_HONOURED] = None
    traffic_policy_patch: Annotated[Opaque, NOT_HONOURED] = None
    http_route_patch: Annotated[Opaque, NOT_HONOURED] = None

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)

    @classmethod
    def to(cls, name: ObjectName) -> Self:
        return cls.of(name=name.name, namespace=name.namespace)


Services = Annotated[list[LaneService], Field(min_length=1)]


class RequestMatch(Struct):
    about = About("Conditions on a request.", "对请求的条件。", {"uri": {"exact": "/mock"}})

    uri: Annotated[
        StructUriMatch | None,
        About(
            "The path, without its query; any path, if not given.",
            "请求路径，不含查询参数；不填则匹配任意路径。",
            {"exact": "/mock"},
        ),
    ] = None
    headers: Annotated[
        Annotated[dict[HeaderName, StructMatch], AfterValidator(each_once)],
        About(
            "Conditions on headers, by name; an empty one asks that the header is there.",
            "对请求头的条件，以名称为键；空条件表示该请求头存在即可。",
            {"x-user": {"exact": "jack"}},
        ),
    ] = {}

    @classmethod
    def written(cls, rule: IngressRule) -> RequestMatch:
        headers = {name: StructMatch.written(match) for name, match in rule.headers.items()}
        uri = StructUriMatch.written(rule.uri) if rule.uri else None
        return cls.of(uri=uri, headers=headers or None)


def unhonoured(document: Object, patterns: Mapping[Pattern, str]) -> Iterator[Finding]:
    data = document.model_dump(by_alias=True, exclude_unset=True)
    for pattern, instead in patterns.items():
        for path in _given(data, pattern):
            yield not_honoured(path, instead)


def _given(value: object, pattern: Pattern, path: Path = ()) -> Iterator[Path]:
    """The paths that match ``pattern`` and lead to something set (no zero value)."""
    if not pattern:
        if not is_zero(value):
            yield path
    elif pattern[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _given(item, pattern[1:], (*path, index))
    elif isinstance(value, dict) and pattern[0] in value:
        yield from _given(value[pattern[0]], pattern[1:], (*path, pattern[0]))
