"""Where a request says which lane it belongs to, and what tells users apart: the shapes of both."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from laneway.model.lanes import RouteBy, Sticky, StickyKind
from laneway.schema.field_metadata import About, ClusterBound, Constraint, Rule
from laneway.schema.fields import (
    END_TO_END_RULES,
    MOST_OF_HEADER,
    Cookie,
    HeaderName,
    Shape,
    end_to_end,
    shown,
    wrong,
)
from laneway.schema.request_matches import ParameterName

# Headers with a grammar of their own, which clients and proxies write: their value never is the
# bare name of a lane, or it is there for another reason.
_STRUCTURED = {
    "cookie": "a cookie header is a list of name=value",
    "set-cookie": "it is a header of responses",
    "authorization": "its value is a scheme with credentials",
    "forwarded": "its value is a list of for=, by= and the like",
    "via": "its value is a list of proxies",
    "date": "its value is a date",
    "cache-control": "its value is a list of directives",
    "accept": "its value is a list of media types",
    "accept-charset": "its value is a list of character sets",
    "accept-encoding": "its value is a list of encodings",
    "accept-language": "its value is a list of languages",
    "content-encoding": "its value is a list of encodings",
    "content-type": "its value is a media type",
    "expect": "its value is an expectation such as 100-continue",
    "if-match": "its value is a list of entity tags",
    "if-modified-since": "its value is a date",
    "if-none-match": "its value is a list of entity tags",
    "if-unmodified-since": "its value is a date",
    "origin": "its value is the origin of a web page",
    "pragma": "its value is a list of directives",
    "range": "its value is a range of bytes",
    "referer": "its value is a URL",
    "traceparent": "its value is a trace context",
    "tracestate": "its value is a list of name=value",
    "baggage": "its value is a list of name=value",
    "b3": "its value is a trace context",
    "grpc-timeout": "its value is a time",
    "sw8": "its value is a trace context",
    "uber-trace-id": "its value is a trace context",
    "x-amzn-trace-id": "its value is a trace context",
    "x-cloud-trace-context": "its value is a trace context",
    "user-agent": "its value is the program that asks",
    "x-forwarded-for": "its value is a list of addresses, which proxies write",
    "x-forwarded-host": "its value is a host, which proxies write",
    "x-forwarded-proto": "proxies write it",
    "x-real-ip": "its value is an address, which proxies write",
    "x-request-id": "proxies write it, another one for each request",
}
_COOKIE = "read it from a cookie: routeHeader: x-lane and routeBy: {cookie: lane}"
_OWN = "choose a header of your own, as in x-lane"

#: Bytes of a value that names a lane.
_VALUE = 256
_VALUE_PATTERN = "[!-~]([ -~]*[!-~])?"


def _bare(text: str) -> str:
    end_to_end(text)
    if why := _STRUCTURED.get(text.lower()):
        fix = _COOKIE if text.lower() == "cookie" else _OWN
        raise wrong(f"`{text}` never holds the bare name of a lane: {why}", fix)
    return text


def _value(text: str) -> str:
    printable = text.isascii() and text.isprintable()
    if not text or not printable or text != text.strip() or len(text) > _VALUE:
        raise wrong(
            f"`{shown(text)}` cannot be the value of a header that names a lane",
            f"write 1 to {_VALUE} printable characters of ASCII, without a blank at either end",
        )
    return text


LaneHeader = Annotated[
    str,
    AfterValidator(_bare),
    Constraint(
        "a header's name; none that belongs to one connection or message, such as `Host`, none of "
        "laneway's own (`x-laneway-...`), and none that never holds a bare name, such as `Cookie`",
        "合法的请求头名称；不能是只属于单个连接或报文的请求头（例如 `Host`）、"
        "laneway 自用的 `x-laneway-...`，也不能是从不只含名称的请求头（例如 `Cookie`）",
        min_length=1,
        rules=(
            *END_TO_END_RULES,
            Rule(
                f"!(self.lowerAscii() in [{', '.join(map(repr, sorted(_STRUCTURED)))}])",
                "this header never holds the bare name of a lane: choose one of your own, or "
                "routeBy: {cookie: lane}",
            ),
        ),
    ),
    ClusterBound(MOST_OF_HEADER, everywhere=True),
]
LaneValue = Annotated[
    str,
    AfterValidator(_value),
    Constraint(
        f"1 to {_VALUE} printable characters of ASCII, without a blank at either end",
        f"1 至 {_VALUE} 个可打印的 ASCII 字符，首尾不能是空格",
        pattern=_VALUE_PATTERN,
    ),
    ClusterBound(_VALUE),
]
LaneValues = Annotated[list[LaneValue], ClusterBound(64)]


class RouteBySpec(Shape):
    """Any of the three; the route header always comes first."""

    headers: Annotated[
        Annotated[list[LaneHeader], ClusterBound(16)],
        About(
            "Further headers that may name a lane, tried in order.",
            "其他可以指定泳道的请求头，按顺序尝试。",
            ["x-version"],
        ),
    ] = []
    cookie: Annotated[
        Cookie | None,
        About("The cookie that may name a lane.", "可以指定泳道的 Cookie。", "lane"),
    ] = None
    query: Annotated[
        ParameterName | None,
        About("The query parameter that may name a lane.", "可以指定泳道的查询参数。", "lane"),
    ] = None

    @property
    def route_by(self) -> RouteBy:
        return RouteBy(tuple(self.headers), self.cookie, self.query)

    @classmethod
    def written(cls, route_by: RouteBy) -> RouteBySpec | None:
        if route_by == RouteBy():
            return None
        headers = list(route_by.headers) or None
        return cls.of(headers=headers, cookie=route_by.cookie, query=route_by.query)


class StickySpec(Shape):
    """What keeps a user in one lane: exactly one of a header and a cookie."""

    cel_rules = (
        Rule("has(self.header) != has(self.cookie)", "needs exactly one of header and cookie"),
    )

    header: Annotated[
        HeaderName | None,
        About("The request header that tells users apart.", "用于区分用户的请求头。", "x-user"),
    ] = None
    cookie: Annotated[
        Cookie | None,
        About("The cookie that tells users apart.", "用于区分用户的 Cookie。", "session"),
    ] = None

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

    @classmethod
    def written(cls, sticky: Sticky) -> StickySpec:
        return cls.of(**{sticky.kind.value: sticky.name})
