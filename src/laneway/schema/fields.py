"""The vocabulary of document shapes: names, ports, references and matches, strictly validated.

Every kind's shape is a pydantic model made of these. A type declares beside its validator what the
validator accepts (``Constraint``), in the terms that other programs check and people read. A wrong
value raises ``wrong`` with its own code and the remedy; ``problems`` turns that, and pydantic's own
errors, into findings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from laneway.model.codes import Code
from laneway.model.names import (
    HEADER_PATTERN,
    LABEL_PATTERN,
    is_header,
    is_label,
)
from laneway.model.regexes import fault, one_of
from laneway.schema.field_metadata import About, ClusterBound, Constraint, Rule

# Headers that a proxy consumes or rewrites: none of them can carry a lane from hop to hop
# (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
_HOP_BY_HOP = frozenset(
    "connection content-length host keep-alive proxy-authenticate proxy-authorization"
    " proxy-connection te trailer transfer-encoding upgrade".split()
)
# Gateways drop these headers of requests from outside (``compile.envoy.listeners``).
_RESERVED = "x-laneway-"
_LABEL_KEY_PATTERN = "([a-z0-9][-a-z0-9.]{0,252}/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_LABEL_VALUE_PATTERN = "([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?"
_DOMAIN_PART = "[A-Za-z0-9_]([-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?"
_HOST_PATTERN = rf"\*|(\*\.)?({_DOMAIN_PART}\.)*{_DOMAIN_PART}"
SUBDOMAIN_PATTERN = rf"{LABEL_PATTERN}(\.{LABEL_PATTERN})*"
LABEL_KEY = re.compile(_LABEL_KEY_PATTERN)
LABEL_VALUE = re.compile(_LABEL_VALUE_PATTERN)
_HOST = re.compile(_HOST_PATTERN)

#: Characters of a wrong text that a finding shows.
_SHOWN = 60


class Shape(BaseModel):
    """A mapping with known fields, camelCase as Kubernetes writes them, of exactly the types.

    ``about`` describes the mapping where the field that holds it does not. ``cel_rules`` say in
    CEL what the validators of the whole mapping check. Where users may write some text instead,
    ``short_form`` says which. ``summary`` is the constraint of shapes that the reference describes
    once and not at each place where they are used.
    """

    about: ClassVar[About | None] = None
    cel_rules: ClassVar[tuple[Rule, ...]] = ()
    short_form: ClassVar[Constraint | None] = None
    summary: ClassVar[Constraint | None] = None

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        allow_inf_nan=False,
        defer_build=True,
    )

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """A shape of values that are right already, to be written; ``None`` is not written."""
        unknown = fields.keys() - cls.model_fields.keys()
        assert not unknown, f"{cls.__name__} has no field {unknown}"
        return cls.model_construct(
            **{name: value for name, value in fields.items() if value is not None}
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
            return f"the text `{shown(value)}`"
        case list():
            return "a list"
        case Mapping():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


def shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


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


#: Characters of a header's name that the lane filter takes. Envoy takes 16,384 in some places.
MOST_OF_HEADER = 256


def _header(text: str) -> str:
    if not is_header(text):
        raise wrong(
            f"`{text}` is not a legal header name",
            "use letters, digits and any of !#$%&'*+-.^_`|~, as in x-asm-prefer-tag",
        )
    if len(text) > MOST_OF_HEADER:
        raise wrong(
            f"the header name `{shown(text)}` has {len(text):,} characters",
            f"write at most {MOST_OF_HEADER}, which is what proxies take",
        )
    return text


def end_to_end(text: str) -> str:
    """A header that can travel from hop to hop; raises ``wrong``."""
    if _header(text).lower() in _HOP_BY_HOP:
        raise wrong(
            f"`{text}` belongs to one connection or one message: no lane can travel on it",
            "choose a header of your own, as in x-asm-prefer-tag",
        )
    if text.lower().startswith(_RESERVED):
        raise wrong(
            f"`{text}` is one of laneway's own headers, which gateways drop from outside",
            "choose a header of your own, as in x-asm-prefer-tag",
        )
    return text


def _label_key(text: str) -> str:
    if not LABEL_KEY.fullmatch(text):
        raise wrong(
            f"`{text}` is not a legal label key",
            "use at most 63 letters, digits, -, _ and ., perhaps after a domain and /",
        )
    return text


def _label_value(text: str) -> str:
    if not LABEL_VALUE.fullmatch(text):
        raise wrong(
            f"`{text}` is not a legal label value",
            "use at most 63 letters, digits, -, _ and .",
        )
    return text


def domain(text: str) -> str:
    """A host that is served: a domain, or all below one, or all."""
    if not _HOST.fullmatch(text):
        raise wrong(
            f"`{shown(text)}` is not a host",
            "write a domain, *.domain or *, without a scheme or a port",
        )
    return text.lower()


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
    if text == "CONNECT":
        raise wrong("gateways route no CONNECT request: it has no path", "remove it")
    if text != text.upper():
        raise wrong(f"methods are upper case: no request has `{text}`", f"write {text.upper()}")
    return text


def _methods(texts: list[str]) -> list[str]:
    if found := fault(one_of(texts)):
        raise wrong(f"too many methods for one rule: {found}", "split the rule, or name no methods")
    return texts


def _cookie(text: str) -> str:
    if not is_header(text):  # a cookie's name is a token, too (RFC 6265 section 4.1.1)
        raise wrong(
            f"`{shown(text)}` is not a legal cookie name",
            "use letters, digits and any of !#$%&'*+-.^_`|~",
        )
    return text


def _percentage(number: int) -> int:
    if not 0 <= number <= 100:
        raise wrong(f"{number} is not a percentage", "weights are 0 to 100")
    return number


_ANY_TEXT = Constraint("any text", "任意文本")
_LABEL_WORDS = (
    "at most 63 of a-z, 0-9 and -; the first and the last a letter or a digit",
    "最多 63 个 a-z、0-9 或 -，首尾为字母或数字",
)
_IS_HEADER = Rule(
    f"self.matches({json.dumps(f'^{HEADER_PATTERN}$')})",
    "a header's name has only letters, digits and !#$%&'*+.^_`|~-",
)
_TRAVELS = Rule(
    f"!(self.lowerAscii() in [{', '.join(map(repr, sorted(_HOP_BY_HOP)))}])",
    "this header belongs to one connection or message: no lane can travel on it",
)
_NOT_RESERVED = Rule(
    f"!self.lowerAscii().startsWith('{_RESERVED}')",
    "headers that begin with x-laneway- are laneway's own",
)

END_TO_END_RULES = (_IS_HEADER, _TRAVELS, _NOT_RESERVED)

Text = Annotated[str, _ANY_TEXT]
Name = Annotated[str, AfterValidator(_label), Constraint(*_LABEL_WORDS, pattern=LABEL_PATTERN)]
Subdomain = Annotated[
    str,
    AfterValidator(_subdomain),
    Constraint(
        "names of at most 63 of a-z, 0-9 and -, separated by dots",
        "由点分隔的名称，每段最多 63 个 a-z、0-9 或 -",
        pattern=SUBDOMAIN_PATTERN,
    ),
]
HeaderName = Annotated[
    str,
    AfterValidator(_header),
    Constraint("a header's name", "合法的请求头名称", min_length=1, rules=(_IS_HEADER,)),
    ClusterBound(MOST_OF_HEADER, everywhere=True),
]
EndToEndHeader = Annotated[
    str,
    AfterValidator(end_to_end),
    Constraint(
        "a header's name; none that belongs to one connection or message, such as `Host`, and none "
        "of laneway's own (`x-laneway-...`)",
        "合法的请求头名称；不能是只属于单个连接或报文的请求头（例如 `Host`），"
        "也不能是 laneway 自用的 `x-laneway-...`",
        min_length=1,
        rules=END_TO_END_RULES,
    ),
    ClusterBound(MOST_OF_HEADER, everywhere=True),
]
LabelKey = Annotated[
    str,
    AfterValidator(_label_key),
    Constraint("a label's key", "合法的标签键", pattern=_LABEL_KEY_PATTERN),
]
LabelValue = Annotated[
    str,
    AfterValidator(_label_value),
    Constraint("a label's value", "合法的标签值", pattern=_LABEL_VALUE_PATTERN),
]
Labels = dict[LabelKey, LabelValue]
Selector = Annotated[Labels, Field(min_length=1), ClusterBound(16)]
AnyLabels = Annotated[Labels, ClusterBound(16)]
Host = Annotated[
    str,
    AfterValidator(domain),
    Constraint(
        "a domain, `*.domain` or `*`, without scheme and port",
        "域名、`*.域名` 或 `*`，不含协议和端口",
        pattern=_HOST_PATTERN,
    ),
    ClusterBound(253),
]
Hosts = Annotated[list[Host], Field(min_length=1), ClusterBound(64)]
Port = Annotated[
    int,
    AfterValidator(_port_number),
    Constraint("1 to 65535", "1 至 65535", minimum=1, maximum=65535),
]
ListenPort = Annotated[
    int,
    AfterValidator(_listen_number),
    Constraint("0 to 65535", "0 至 65535", minimum=0, maximum=65535),
]
PortName = Annotated[
    str,
    AfterValidator(_port_name),
    Constraint(
        f"empty, or {_LABEL_WORDS[0]}", f"空，或{_LABEL_WORDS[1]}", pattern=f"({LABEL_PATTERN})?"
    ),
]
PortReference = Annotated[
    int | str,
    PlainValidator(_port_reference),
    Constraint("a port's number, 1 to 65535, or its name", "端口号（1 至 65535）或端口名称"),
]
Method = Annotated[
    str,
    AfterValidator(_method),
    Constraint("upper case", "大写", pattern="[!#$%&'*+.^_`|~0-9A-Z-]+"),
    ClusterBound(64),
]
Methods = Annotated[list[Method], AfterValidator(_methods), ClusterBound(16)]
Cookie = Annotated[
    str,
    AfterValidator(_cookie),
    Constraint(
        "a cookie's name",
        "合法的 Cookie 名称",
        pattern=HEADER_PATTERN,
    ),
    ClusterBound(256),
]
Percentage = Annotated[
    int,
    AfterValidator(_percentage),
    Constraint("0 to 100", "0 至 100", minimum=0, maximum=100),
]
#: Accepted as it is: valid where it comes from, and of no consequence here.
Opaque = Annotated[
    Any,
    Constraint("any value", "任意值"),
    About("Accepted and not used.", "可以填写，但不使用。", None),
]
