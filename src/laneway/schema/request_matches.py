"""Conditions on requests: on the path, on headers and on query parameters."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, model_validator

from laneway.model.matches import MatchKind, StringMatch
from laneway.model.regexes import fault
from laneway.schema.field_metadata import About, ClusterBound, Constraint, Rule
from laneway.schema.fields import HeaderName, Shape, shown, wrong

#: Bytes of a query parameter's name (Envoy's ``QueryParameterMatcher``).
_PARAMETER = 1024


def _regex(text: str) -> str:
    if found := fault(text):
        raise wrong(
            f"`{shown(text)}` is no regular expression that proxies take: {found}",
            "use RE2's syntax, which has no lookaround, backreferences or possessive repetition, "
            "and few counted repetitions",
        )
    return text


def _parameter(text: str) -> str:
    size = len(text.encode(errors="replace"))
    if not 1 <= size <= _PARAMETER:
        raise wrong(
            f"the query parameter's name `{shown(text)}` has {size:,} bytes",
            f"write 1 to {_PARAMETER:,}, which is what proxies take",
        )
    return text


def each_once(headers: dict[str, Any]) -> dict[str, Any]:
    """Conditions on headers, with one for each header; raises ``wrong``."""
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            raise wrong(
                f"has two conditions on the header {name} (header names know no case)",
                "keep one of them; for both, write one regex",
            )
        seen.add(name.lower())
    return headers


_ONE_LINE = Constraint("on one line", "单行", pattern=r"[^\x00\r\n]*", min_length=1)
MatchText = Annotated[str, _ONE_LINE, ClusterBound(1024)]
MatchRegex = Annotated[str, AfterValidator(_regex), _ONE_LINE, ClusterBound(1024)]


class Match(Shape):
    """Exactly one of the three kinds of match."""

    about = About("A condition on some text.", "对文本的匹配条件。", {"exact": "jack"})
    cel_rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "[has(self.exact), has(self.prefix), has(self.regex)].filter(given, given).size() == 1",
            "needs exactly one of exact, prefix and regex",
        ),
    )
    summary = Constraint(
        "one of `{exact: TEXT}`, `{prefix: TEXT}` and `{regex: RE2}`; a regex must match all of it",
        "`{exact: 文本}`、`{prefix: 文本}` 或 `{regex: RE2}` 之一；正则必须匹配整个文本",
    )

    exact: Annotated[MatchText | None, About("All of the text.", "完整的文本。", "/mock")] = None
    prefix: Annotated[
        MatchText | None, About("What the text begins with.", "文本的前缀。", "/mock")
    ] = None
    regex: Annotated[
        MatchRegex | None,
        About(
            "A regular expression (RE2) that matches all of the text.",
            "匹配整个文本的正则表达式（RE2）。",
            "/mock/.*",
        ),
    ] = None

    @model_validator(mode="after")
    def _one(self) -> Match:
        given = [kind for kind in MatchKind if getattr(self, kind.value) is not None]
        if len(given) != 1:
            raise wrong(
                "needs one of exact, prefix and regex"
                + (f", has {' and '.join(kind.value for kind in given)}" if given else ""),
                "for mere presence write regex: '.*'" if not given else "keep one of them",
            )
        value = getattr(self, given[0].value)
        if not value or any(character in value for character in "\r\n\0"):
            raise wrong(f"`{value}` cannot be matched", "write some text, on one line")
        return self

    @property
    def match(self) -> StringMatch:
        kind = next(kind for kind in MatchKind if getattr(self, kind.value) is not None)
        return StringMatch(kind, getattr(self, kind.value))

    @classmethod
    def written(cls, match: StringMatch) -> Self:
        return cls.of(**{match.kind.value: match.value})


class UriMatch(Match):
    """A match on the path, which begins with ``/`` and holds neither query nor fragment."""

    about = About("A condition on the path.", "对路径的匹配条件。", {"prefix": "/mock"})
    cel_rules = (
        *Match.cel_rules,
        *(
            Rule(
                f"!has(self.{kind}) || (self.{kind}.startsWith('/') && "
                f"!self.{kind}.contains('?') && !self.{kind}.contains('#'))",
                "a path begins with / and holds neither a query nor a fragment",
            )
            for kind in ("exact", "prefix")
        ),
    )
    summary = Constraint(
        "one of `{exact: PATH}`, `{prefix: PATH}` and `{regex: RE2}`, without a query; paths begin "
        "with `/`, a regex must match all of the path",
        "`{exact: 路径}`、`{prefix: 路径}` 或 `{regex: RE2}` 之一，不含查询参数；路径以 `/` 开头，"
        "正则必须匹配整个路径",
    )

    @model_validator(mode="after")
    def _path(self) -> UriMatch:
        match = self.match
        if match.kind is MatchKind.REGEX:
            return self
        if not match.value.startswith("/"):
            raise wrong(f"the path `{match.value}` does not begin with /", f"write /{match.value}")
        if "?" in match.value or "#" in match.value:
            raise wrong(
                f"the path `{match.value}` holds a query or a fragment, which is not matched",
                f"write {re.split('[?#]', match.value)[0]}",
            )
        return self


Headers = Annotated[dict[HeaderName, Match], AfterValidator(each_once), ClusterBound(16)]
ParameterName = Annotated[
    str,
    AfterValidator(_parameter),
    Constraint("1 to 1,024 bytes", "1 至 1024 字节", min_length=1),
    ClusterBound(1024),
]
Query = Annotated[dict[ParameterName, Match], ClusterBound(16)]

#: The conditions that laneway's rules and ASM's have in common.
PathCondition = Annotated[
    UriMatch | None,
    About(
        "The path, without its query; any path, if not given.",
        "请求路径，不含查询参数；不填则匹配任意路径。",
        {"exact": "/mock"},
    ),
]
HeaderConditions = Annotated[
    Headers,
    About(
        "Conditions on headers, by name.",
        "对请求头的条件，以名称为键。",
        {"x-user": {"exact": "jack"}},
    ),
]
