"""What a rule does with the requests that it takes: the shapes, named as in Istio's VirtualService.

An ingress rule holds them as ``actions``; their values are those of ``model.rule_actions``.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from laneway.model import durations
from laneway.model.rule_actions import HeaderChanges, Retries, RuleActions
from laneway.schema.field_metadata import About, ClusterBound, Constraint, Rule
from laneway.schema.fields import (
    END_TO_END_RULES,
    MOST_OF_HEADER,
    Shape,
    end_to_end,
    shown,
    wrong,
)

_PATH_PATTERN = "/[A-Za-z0-9/_~!$&'()*+,;=:@.-]*"
_LABEL = "[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_AUTHORITY_PATTERN = rf"{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?"
_VALUE_PATTERN = "[!-~]([ -~]*[!-~])?"
_CONDITIONS = (
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "refused-stream",
    "retriable-4xx",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
)
_CONDITION_PATTERN = f"({'|'.join(_CONDITIONS)}|[45][0-9][0-9])"
_CONDITIONS_PATTERN = f"{_CONDITION_PATTERN}(, ?{_CONDITION_PATTERN})*"
_MOST_ATTEMPTS = 100
#: Half of what Envoy takes (``HeaderValue``), where a percent sign is written as two.
_MOST_OF_VALUE = 8192
#: Half of what Envoy takes (``RouteAction``, ``request_headers_to_add``).
_MOST_CHANGES = 500


def _duration(text: str) -> str:
    if not re.fullmatch(durations.PATTERN, text) or not durations.parsed(text):
        raise wrong(
            f"`{shown(text)}` is not a time that a request may take",
            "write a number and h, m, s or ms, as in 5s, 500ms or 1m30s; leave it out for no limit",
        )
    return text


def _path(text: str) -> str:
    if not re.fullmatch(_PATH_PATTERN, text) or re.search(r"//|/\.{1,2}(/|$)", text):
        raise wrong(
            f"`{shown(text)}` is not a path that a request can be given",
            "begin it with /, use letters, digits and any of _~!$&'()*+,;=:@.-, and no empty, . or "
            ".. segment; the query of the request stays as it is",
        )
    return text


def _authority(text: str) -> str:
    if not re.fullmatch(_AUTHORITY_PATTERN, text):
        raise wrong(
            f"`{shown(text)}` is not a host", "write a domain, perhaps with a port, without scheme"
        )
    return text


def _value(text: str) -> str:
    if not re.fullmatch(_VALUE_PATTERN, text):
        raise wrong(
            f"`{shown(text)}` is not a header's value",
            "write visible ASCII, with blanks at neither end; to have no such header, remove it",
        )
    if len(text) > _MOST_OF_VALUE:
        raise wrong(
            f"the value `{shown(text)}` has {len(text):,} characters",
            f"write at most {_MOST_OF_VALUE}, which is what proxies take",
        )
    return text


def _changed_header(text: str) -> str:
    if text.lower() == "host":
        raise wrong("the host is no header to change", "write rewrite: {authority: HOST}")
    try:
        return end_to_end(text)
    except PydanticCustomError:
        raise wrong(
            f"`{shown(text)}` is no header that a rule can change: it belongs to one connection or "
            "message, is laneway's own, or is no legal name",
            "choose another header",
        ) from None


def _conditions(text: str) -> str:
    for part in (part.removeprefix(" ") for part in text.split(",")):
        if not re.fullmatch(_CONDITION_PATTERN, part):
            raise wrong(
                f"`{shown(part)}` is no condition to try a request again",
                f"write, separated by commas, any of {', '.join(_CONDITIONS)} and status codes "
                "from 400",
            )
    return text


def _attempts(number: int) -> int:
    if not 1 <= number <= _MOST_ATTEMPTS:
        raise wrong(f"{number} is no number of retries", f"write 1 to {_MOST_ATTEMPTS}")
    return number


Duration = Annotated[
    str,
    AfterValidator(_duration),
    Constraint(
        "numbers with `h`, `m`, `s` or `ms`, at least 1 ms",
        "带单位 `h`、`m`、`s` 或 `ms` 的数值，至少 1 毫秒",
        pattern=durations.PATTERN,
        rules=(Rule("self.matches('[1-9]')", "a time is at least 1 ms"),),
    ),
    ClusterBound(32),
]
NewPath = Annotated[
    str,
    AfterValidator(_path),
    Constraint(
        "a path that begins with `/`, without a query and without empty, `.` or `..` segments",
        "以 `/` 开头的路径，不含查询参数，也不含空、`.` 或 `..` 路径段",
        pattern=_PATH_PATTERN,
        rules=(
            Rule(
                r"!self.contains('//') && !self.matches('/[.]{1,2}(/|$)')",
                "a path has no empty, . or .. segment",
            ),
        ),
    ),
    ClusterBound(1024),
]
Authority = Annotated[
    str,
    AfterValidator(_authority),
    Constraint("a domain, perhaps with a port", "域名，可带端口", pattern=_AUTHORITY_PATTERN),
    ClusterBound(253),
]
ChangedValue = Annotated[
    str,
    AfterValidator(_value),
    Constraint(
        f"visible ASCII, at most {_MOST_OF_VALUE} characters; no variables are replaced",
        f"可见 ASCII 字符，最多 {_MOST_OF_VALUE} 个；不做变量替换",
        pattern=_VALUE_PATTERN,
    ),
    ClusterBound(1024),
]
RetryOn = Annotated[
    str,
    AfterValidator(_conditions),
    Constraint(
        f"separated by commas: {', '.join(f'`{one}`' for one in _CONDITIONS)}, and status codes "
        "from `400`",
        f"以逗号分隔：{'、'.join(f'`{one}`' for one in _CONDITIONS)}，以及 `400` 以上的状态码",
        pattern=_CONDITIONS_PATTERN,
    ),
    ClusterBound(256),
]
Attempts = Annotated[
    int,
    AfterValidator(_attempts),
    Constraint(
        f"1 to {_MOST_ATTEMPTS}", f"1 至 {_MOST_ATTEMPTS}", minimum=1, maximum=_MOST_ATTEMPTS
    ),
]
ChangedHeader = Annotated[
    str,
    AfterValidator(_changed_header),
    Constraint(
        "a header's name; none that belongs to one connection or message, such as `Host`, and none "
        "of laneway's own (`x-laneway-...`)",
        "合法的头名称；不能是只属于单个连接或报文的头（例如 `Host`），"
        "也不能是 laneway 自用的 `x-laneway-...`",
        min_length=1,
        rules=END_TO_END_RULES,
    ),
    ClusterBound(MOST_OF_HEADER, everywhere=True),
]
ChangedHeaders = Annotated[dict[ChangedHeader, ChangedValue], ClusterBound(16)]


class RewriteSpec(Shape):
    cel_rules = (Rule("has(self.uri) || has(self.authority)", "needs uri, authority or both"),)

    uri: Annotated[
        NewPath | None,
        About(
            "Replaces what the rule's `uri` matched: the prefix, or all of the path. The query "
            "stays.",
            "替换规则 `uri` 匹配的部分：前缀，或整个路径。查询参数保留。",
            "/v2",
        ),
    ] = None
    authority: Annotated[
        Authority | None,
        About("Replaces the host.", "替换域名。", "internal.shop.test"),
    ] = None

    @model_validator(mode="after")
    def _some(self) -> RewriteSpec:
        if self.uri is None and self.authority is None:
            raise wrong("rewrites nothing", "write uri, authority or both, or remove it")
        return self


class RetriesSpec(Shape):
    attempts: Annotated[
        Attempts,
        About(
            "How often a request is tried again, for whatever reason.",
            "请求最多重试的次数（不论原因）。",
            2,
        ),
    ]
    per_try_timeout: Annotated[
        Duration | None,
        About(
            "How long each try may take; `timeout` alone limits it, if not given.",
            "每次尝试的时限；不填则仅受 `timeout` 限制。",
            "500ms",
        ),
    ] = None
    retry_on: Annotated[
        RetryOn | None,
        About(
            "When to try again, besides where the request did not reach an application: Envoy's "
            "conditions; `unavailable,cancelled` (gRPC), if not given.",
            "除请求未到达应用外，还在何种情况下重试（Envoy 的条件）；"
            "不填则为 `unavailable,cancelled`（gRPC）。",
            "5xx,reset",
        ),
    ] = None

    @property
    def retries(self) -> Retries:
        each = self.per_try_timeout
        limits = Retries(self.attempts, per_try_timeout=durations.parsed(each) if each else None)
        if self.retry_on is None:
            return limits
        conditions = tuple(dict.fromkeys(self.retry_on.replace(" ", "").split(",")))
        return Retries(self.attempts, conditions, limits.per_try_timeout)

    @classmethod
    def written(cls, retries: Retries) -> RetriesSpec:
        each = retries.per_try_timeout
        return cls.of(
            attempts=retries.attempts,
            per_try_timeout=durations.written(each) if each else None,
            retry_on=",".join(retries.retry_on),
        )


class HeaderChangesSpec(Shape):
    about = About("Changes of headers.", "对请求头或响应头的修改。", {"set": {"x-env": "test"}})

    set: Annotated[
        ChangedHeaders,
        About("Headers that get this value alone.", "设置为该值的头。", {"x-env": "test"}),
    ] = {}
    add: Annotated[
        ChangedHeaders,
        About(
            "Headers that get this value besides those they have.",
            "在已有值之外追加该值的头。",
            {"x-via": "shop"},
        ),
    ] = {}
    remove: Annotated[
        Annotated[list[ChangedHeader], ClusterBound(16)],
        About("Headers that are removed.", "删除的头。", ["x-debug"]),
    ] = []

    @model_validator(mode="after")
    def _once(self) -> HeaderChangesSpec:
        seen: dict[str, str] = {}
        for header in (*self.set, *self.add, *self.remove):
            if header.lower() in seen:
                raise wrong(
                    f"changes the header {header} twice (header names know no case)",
                    "keep one of the two",
                )
            seen[header.lower()] = header
        if len(seen) > _MOST_CHANGES:
            raise wrong(f"changes {len(seen):,} headers", f"change at most {_MOST_CHANGES}")
        return self

    @property
    def changes(self) -> HeaderChanges:
        return HeaderChanges(
            tuple(sorted((name.lower(), value) for name, value in self.set.items())),
            tuple(sorted((name.lower(), value) for name, value in self.add.items())),
            tuple(sorted(name.lower() for name in self.remove)),
        )

    @classmethod
    def written(cls, changes: HeaderChanges) -> HeaderChangesSpec | None:
        if changes == HeaderChanges():
            return None
        return cls.of(
            set=dict(changes.set) or None,
            add=dict(changes.add) or None,
            remove=list(changes.remove) or None,
        )


class HeadersSpec(Shape):
    request: Annotated[
        HeaderChangesSpec,
        About(
            "Changes of the request, as the entry service gets it.",
            "对发往入口服务的请求的修改。",
            {"set": {"x-env": "test"}},
        ),
    ] = HeaderChangesSpec()
    response: Annotated[
        HeaderChangesSpec,
        About(
            "Changes of the response, as the caller gets it.",
            "对返回给调用方的响应的修改。",
            {"remove": ["server"]},
        ),
    ] = HeaderChangesSpec()


class ActionsSpec(Shape):
    rewrite: Annotated[
        RewriteSpec | None,
        About(
            "Another path or host for the entry service.",
            "发往入口服务时改写路径或域名。",
            {"uri": "/v2"},
        ),
    ] = None
    timeout: Annotated[
        Duration | None,
        About(
            "After what time the gateway answers 504; never, if not given.",
            "超过此时间网关返回 504；不填则不限时。",
            "5s",
        ),
    ] = None
    retries: Annotated[
        RetriesSpec | None,
        About(
            "When a request is tried again in the lane that it was routed to. Such a retry never "
            "falls back, and an application may get the request more than once.",
            "请求在所进入的泳道中重试的条件。重试不会回退，应用可能多次收到同一请求。",
            {"attempts": 2, "retryOn": "5xx"},
        ),
    ] = None
    headers: Annotated[
        HeadersSpec,
        About(
            "Headers to set, add or remove; none that carries a lane.",
            "要设置、追加或删除的头；不能是携带泳道信息的头。",
            {"request": {"set": {"x-env": "test"}}},
        ),
    ] = HeadersSpec()

    @property
    def actions(self) -> RuleActions:
        return RuleActions(
            uri=self.rewrite.uri if self.rewrite else None,
            authority=self.rewrite.authority if self.rewrite else None,
            timeout=durations.parsed(self.timeout) if self.timeout else None,
            retries=self.retries.retries if self.retries else None,
            request_headers=self.headers.request.changes,
            response_headers=self.headers.response.changes,
        )

    @classmethod
    def written(cls, actions: RuleActions) -> ActionsSpec | None:
        if actions == RuleActions():
            return None
        rewrites = actions.uri is not None or actions.authority is not None
        request = HeaderChangesSpec.written(actions.request_headers)
        response = HeaderChangesSpec.written(actions.response_headers)
        return cls.of(
            rewrite=RewriteSpec.of(uri=actions.uri, authority=actions.authority)
            if rewrites
            else None,
            timeout=durations.written(actions.timeout) if actions.timeout else None,
            retries=RetriesSpec.written(actions.retries) if actions.retries else None,
            headers=HeadersSpec.of(request=request, response=response)
            if request or response
            else None,
        )
