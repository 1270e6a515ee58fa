"""Trace ids in the headers of tracing systems.

A tracer gives every call a new span, so most of these values change at each hop. The trace id in
them does not, and a lane is remembered by it. The lane filter has the same rules in
``filter/src/trace_context.zig``; the simulator and the analysis have them from here.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final

_HEX = "[0-9a-fA-F]"
_BASE64 = "[0-9a-zA-Z+/]+={0,2}"
_TRACEPARENT = re.compile(
    r"(?!ff)(?:00-(?=.{52}\Z)|(?!00)[0-9a-f]{2}-(?=.{52}(?:-.*)?\Z))"
    "(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}.*",
    re.DOTALL,
)
_B3 = re.compile(f"({_HEX}{{16}}|{_HEX}{{32}})-{_HEX}{{16}}(?:-[01d](?:-{_HEX}{{16}})?)?")
_B3_TRACE_ID = re.compile(f"{_HEX}{{16}}|{_HEX}{{32}}")
_SW8 = re.compile(f"[01]-({_BASE64})-{_BASE64}-[0-9]{{1,10}}(?:-{_BASE64}){{4}}")
_JAEGER = re.compile(
    f"({_HEX}{{1,32}})(:|%3[aA])(?!0+(?:\\2))({_HEX}{{1,16}})\\2{_HEX}{{1,16}}\\2{_HEX}{{1,2}}"
)
_CLOUD = re.compile(f"({_HEX}{{32}})(?:/[0-9]{{1,20}})?(?:;o=[0-9]{{1,10}})?")
_AMAZON_ROOT = re.compile(f"1-({_HEX}{{8}})-({_HEX}{{24}})")
_BLANKS: Final = " \t"


def _traceparent(text: str) -> str | None:
    found = _TRACEPARENT.fullmatch(text)
    return found[1] if found else None


def _b3(text: str) -> str | None:
    found = _B3.fullmatch(text)
    return _lower_64_bits(found[1]) if found else None


def _b3_trace_id(text: str) -> str | None:
    return _lower_64_bits(text) if _B3_TRACE_ID.fullmatch(text) else None


def _lower_64_bits(text: str) -> str | None:
    """Systems with 64-bit ids drop the upper half."""
    number = _number(text)
    return number if number is None or not int(number[16:], 16) else number[16:]


def _sw8(text: str) -> str | None:
    found = _SW8.fullmatch(text)
    return found[1] if found else None


def _jaeger(text: str) -> str | None:
    found = _JAEGER.fullmatch(text)
    return _number(found[1]) if found else None


def _cloud(text: str) -> str | None:
    found = _CLOUD.fullmatch(text)
    return _number(found[1]) if found else None


def _amazon(text: str) -> str | None:
    fields = (field.strip(_BLANKS).partition("=") for field in text.split(";"))
    root = next((value for name, equals, value in fields if equals and name == "Root"), "")
    found = _AMAZON_ROOT.fullmatch(root)
    return _number(found[1] + found[2]) if found else None


def _datadog(text: str) -> str | None:
    if not re.fullmatch("[0-9]+", text):
        return None
    digits = text.lstrip("0")
    return digits if 0 < len(digits) <= 20 and int(digits) < 2**64 else None


def _number(digits: str) -> str | None:
    """A hexadecimal number, which must not be 0, as 32 digits."""
    return digits.lower().rjust(32, "0") if int(digits, 16) else None


_READERS: Final[dict[str, Callable[[str], str | None]]] = {
    "traceparent": _traceparent,
    "b3": _b3,
    "x-b3-traceid": _b3_trace_id,
    "sw8": _sw8,
    "uber-trace-id": _jaeger,
    "x-cloud-trace-context": _cloud,
    "x-amzn-trace-id": _amazon,
    "x-datadog-trace-id": _datadog,
}

KNOWN: Final = frozenset(_READERS)
"""The headers of tracing systems whose format is known, in lower case."""


def is_known(header: str) -> bool:
    return header.lower() in _READERS


def example(header: str, number: int) -> str:
    """A value of a trace header as a client may write it; another ``number``, another trace id.

    ``number`` is positive and below 2 ** 64.
    """
    known = {
        "traceparent": f"00-{number:032x}-{number:016x}-01",
        "b3": f"{number:032x}-{number:016x}",
        "x-b3-traceid": f"{number:032x}",
        "sw8": f"1-{_encoded(number)}-{_encoded(number)}-0-{'-'.join(map(_encoded, 'siea'))}",
        "uber-trace-id": f"{number:032x}:{number:016x}:0:1",
        "x-cloud-trace-context": f"{number:032x}/{number};o=1",
        "x-amzn-trace-id": f"Root=1-{1:08x}-{number:024x}",
        "x-datadog-trace-id": f"{number}",
    }
    return known.get(header.lower(), f"x{number:04}")


def _encoded(value: object) -> str:
    return b64encode(str(value).encode()).decode()


def trace_id(header: str, value: str) -> str | None:
    """The trace id in the ``value`` of a trace header.

    If the header's format is not known, it is the whole value. None if the value is empty or not in
    the header's format, in which case tracers begin a new trace.
    """
    read = _READERS.get(header.lower())
    if read is None:
        return value if value.strip(_BLANKS) else None
    # A comma means that there were several headers.
    return None if "," in value else read(value.strip(_BLANKS))
