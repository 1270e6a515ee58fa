"""The vocabulary of document shapes: names, ports, references and matches, strictly validated.

Every kind's shape is a pydantic model made of these. A value that is wrong raises ``wrong`` with
its own code and the remedy; ``problems`` turns that, and pydantic's own errors, into findings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from laneway.model.codes import Code
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.names import DEFAULT_NAMESPACE, ObjectName, is_header, is_label

# Headers that a proxy consumes or rewrites: none of them can carry a lane from hop to hop
# (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
_HOP_BY_HOP = frozenset(
    "connection content-length host keep-alive proxy-authenticate proxy-authorization"
    " proxy-connection te trailer transfer-encoding upgrade".split()
)
_LABEL_KEY = re.compile(r"([a-z0-9][-a-z0-9.]{0,252}/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.A)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.A)
_DOMAIN = re.compile(
    r"(\*\.)?([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?"
)
# What Python's regular expressions have and RE2, Envoy's, lacks; looked for outside of classes
# (``[*+]``) and of escaped characters, but for backreferences.
_LITERAL = re.compile(r"\\[^1-9]|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_BEYOND_RE2 = re.compile(r"\(\?(?:=|!|<=|<!|>|P=|\()|\\[1-9]|[*+?}]\+")


class Shape(BaseModel):
    """A mapping with known fields, camelCase as Kubernetes writes them, of exactly the types."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        allow_inf_nan=False,
    )


def wrong(message: str, fix: str = "", code: Code = Code.INVALID_VALUE) -> PydanticCustomError:
    """An error of a value; pydantic adds where it stands."""
    return PydanticCustomError("wrong", "{text}", {"text": message, "fix": fix, "code": code.value})


def describe(value: object) -> str:
    """A value as its writer would call it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text `{value if len(value) <= 60 else value[:57] + '...'}`"
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


def _label(text: str) -> str:
    if not is_label(text):
        raise wrong(
            f"`{text}` is not a legal name",
            "use at most 63 of a-z, 0-9 and -, beginning and ending with a letter or digit",
        )
    return text


def _subdomain(text: str) -> str:
    for part in text.split("."):
        _label(part)
    return text


def _port_name(text: str) -> str:
    return _label(text) if text else text


def _header(text: str) -> str:
    if not is_header(text):
        raise wrong(
            f"`{text}` is not a legal header name",
            "use letters, digits and any of !#$%&'*+-.^_`|~, as in x-asm-prefer-tag",
        )
    return text


def _end_to_end(text: str) -> str:
    if _header(text).lower() in _HOP_BY_HOP:
        raise wrong(
            f"`{text}` belongs to one connection or one message: no lane can travel on it",
            "choose a header of your own, as in x-asm-prefer-tag",
        )
    return text


def _label_key(text: str) -> str:
    if not _LABEL_KEY.fullmatch(text):
        raise wrong(
            f"`{text}` is not a legal label key",
            "use at most 63 letters, digits, -, _ and ., perhaps after a domain and /",
        )
    return text


def _label_value(text: str) -> str:
    if not _LABEL_VALUE.fullmatch(text):
        raise wrong(
            f"`{text}` is not a legal label value",
            "use at most 63 letters, digits, -, _ and .",
        )
    return text


def _host(text: str) -> str:
    host = text.lower()
    if host != "*" and not _DOMAIN.fullmatch(host):
        raise wrong(
            f"`{text}` is not a host", "write a domain, *.domain or *, without a scheme or a port"
        )
    return host


def _port_number(number: int) -> int:
    if not 1 <= number <= 65535:
        raise wrong(f"{number} is not a port", "ports are 1 to 65535")
    return number


def _listen_number(number: int) -> int:
    if not 0 <= number <= 65535:
        raise wrong(f"{number} is not a port", "ports are 1 to 65535; 0 lets laneway choose")
    return number


def _port_reference(value: object) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _port_number(value)
    if isinstance(value, str) and not value.isdigit():
        return _label(value)
    raise wrong(f"{value!r} is not a port", "write its number or its name", Code.WRONG_TYPE)


def _method(text: str) -> str:
    if not is_header(text):  # a method is a token, as a header's name is (RFC 9110 section 9.1)
        raise wrong(f"`{text}` is not an HTTP method", "write one such as GET or POST")
    if text != text.upper():
        raise wrong(f"methods are upper case: no request has `{text}`", f"write {text.upper()}")
    return text


def _percentage(number: int) -> int:
    if not 0 <= number <= 100:
        raise wrong(f"{number} is not a percentage", "weights are 0 to 100")
    return number


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise wrong(f"`{text}` is not a regular expression: {error}", "use RE2 syntax") from error
    beyond = _BEYOND_RE2.search(_LITERAL.sub("x", text))
    if beyond:
        raise wrong(
            f"`{text}` uses `{beyond[0]}`, which RE2 does not know",
            "RE2, Envoy's syntax, has no lookaround, backreferences or possessive repetition",
        )
    return text


Name = Annotated[str, AfterValidator(_label)]
Subdomain = Annotated[str, AfterValidator(_subdomain)]
HeaderName = Annotated[str, AfterValidator(_header)]
EndToEndHeader = Annotated[str, AfterValidator(_end_to_end)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
Labels = dict[LabelKey, LabelValue]
Selector = Annotated[Labels, Field(min_length=1)]
Host = Annotated[str, AfterValidator(_host)]
Hosts = Annotated[list[Host], Field(min_length=1)]
Port = Annotated[int, AfterValidator(_port_number)]
ListenPort = Annotated[int, AfterValidator(_listen_number)]
PortName = Annotated[str, AfterValidator(_port_name)]
PortReference = Annotated[int | str, PlainValidator(_port_reference)]
Method = Annotated[str, AfterValidator(_method)]
Percentage = Annotated[int, AfterValidator(_percentage)]
#: Accepted as it is: valid where it comes from, and of no consequence here.
Opaque = Any


class Reference(Shape):
    """A namespaced object: ``{name, namespace}``, ``namespace/name``, or ``name``."""

    name: Subdomain
    namespace: Name = DEFAULT_NAMESPACE

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, value: object) -> object:
        if not isinstance(value, str | Mapping):
            message = f"expected a name, got {describe(value)}"
            fix = "write name, namespace/name or {name, namespace}"
            raise wrong(message, fix, Code.WRONG_TYPE)
        return expand_reference(value)

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)


def expand_reference(value: object) -> object:
    """The long form of a reference written short; anything else as it is."""
    if not isinstance(value, str):
        return value
    namespace, slash, name = value.rpartition("/")
    return {"name": name, "namespace": namespace} if slash else {"name": name}


class Match(Shape):
    """Exactly one of the three kinds of match."""

    exact: str | None = None
    prefix: str | None = None
    regex: Annotated[str, AfterValidator(_regex)] | None = None

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


class UriMatch(Match):
    """A match on the path, which begins with ``/`` and holds neither query nor fragment."""

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


Headers = dict[HeaderName, Match]
Query = dict[Annotated[str, Field(min_length=1)], Match]


class Metadata(Shape):
    """Kubernetes' ObjectMeta. Fields that the API server fills in are accepted, and unused."""

    name: Name
    namespace: Name = DEFAULT_NAMESPACE
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: Opaque = None
    deletion_grace_period_seconds: Opaque = None
    deletion_timestamp: Opaque = None
    finalizers: Opaque = None
    generate_name: Opaque = None
    generation: Opaque = None
    managed_fields: Opaque = None
    owner_references: Opaque = None
    resource_version: Opaque = None
    self_link: Opaque = None
    uid: Opaque = None

    @property
    def object_name(self) -> ObjectName:
        return ObjectName(self.namespace, self.name)


class Object(Shape):
    """What every document has besides its ``spec``."""

    api_version: str
    kind: str
    metadata: Metadata
    status: Opaque = None


References = Annotated[list[Reference], Field(min_length=1)]


def names(references: list[Reference]) -> tuple[ObjectName, ...]:
    return tuple(reference.object_name for reference in references)
