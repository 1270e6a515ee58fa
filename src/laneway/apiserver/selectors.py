"""Label and field selectors of a list or a watch.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from laneway.apiserver.failures import Failure

Selector = Callable[[Mapping[str, Any]], bool]

_KEY = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_EQUAL = re.compile(rf"\s*(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>{_VALUE})\s*")
_AMONG = re.compile(rf"\s*(?P<key>{_KEY})\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)\s*")
_NUMBER = re.compile(rf"\s*(?P<key>{_KEY})\s*(?P<operator>[<>])\s*(?P<value>-?[0-9]{{1,18}})\s*")
_EXISTS = re.compile(rf"\s*(?P<absent>!?)\s*(?P<key>{_KEY})\s*")
#: The fields by which objects of all kinds can be selected.
FIELDS = ("metadata.name", "metadata.namespace")


def selector(labels: str, fields: str, selectable: Sequence[str] = FIELDS) -> Selector:
    """A predicate for objects that match both selectors. Raises ``Failure`` if one is invalid."""
    requirements = [*_label_requirements(labels), *_field_requirements(fields, selectable)]
    return lambda manifest: all(holds(manifest) for holds in requirements)


def _label_requirements(text: str) -> list[Selector]:
    return [_label(term) for term in _terms(text)] if text.strip() else []


def _terms(text: str) -> Iterator[str]:
    """What is between the commas that are not in parentheses, in linear time."""
    begin, inside = 0, False
    for found in re.finditer("[,()]", text):
        if found[0] != ",":
            inside = found[0] == "("
        elif not inside:
            yield text[begin : found.start()]
            begin = found.end()
    yield text[begin:]


def _label(term: str) -> Selector:
    if found := _EQUAL.fullmatch(term):
        key, value, wanted = found["key"], found["value"], found["operator"] != "!="
        return lambda manifest: (_labels(manifest).get(key) == value) is wanted
    if found := _AMONG.fullmatch(term):
        key, wanted = found["key"], found["operator"] == "in"
        values = frozenset(value.strip() for value in found["values"].split(","))
        return lambda manifest: (_labels(manifest).get(key) in values) is wanted
    if found := _NUMBER.fullmatch(term):
        return _compared(found["key"], found["operator"], int(found["value"]))
    if found := _EXISTS.fullmatch(term):
        key, wanted = found["key"], not found["absent"]
        return lambda manifest: (key in _labels(manifest)) is wanted
    raise Failure(
        400,
        f"labelSelector: {term.strip()!r} is no requirement; write KEY=VALUE, KEY!=VALUE, "
        "KEY in (A,B), KEY notin (A,B), KEY>NUMBER, KEY<NUMBER, KEY or !KEY",
    )


def _compared(key: str, operator: str, limit: int) -> Selector:
    """Labels that are no numbers are neither greater nor less."""

    def holds(manifest: Mapping[str, Any]) -> bool:
        text = _labels(manifest).get(key, "")
        if not re.fullmatch("-?[0-9]{1,18}", text):
            return False
        return int(text) > limit if operator == ">" else int(text) < limit

    return holds


def _labels(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    return manifest["metadata"].get("labels") or {}


def _field_requirements(text: str, selectable: Sequence[str]) -> list[Selector]:
    return [_field(term, selectable) for term in text.split(",")] if text.strip() else []


def _field(term: str, selectable: Sequence[str]) -> Selector:
    name, operator, value = re.fullmatch(r"([^=!]*)(==|=|!=|)(.*)", term.strip(), re.S).groups()  # type: ignore[union-attr]
    if name.strip() not in selectable or not operator:
        known = f"{', '.join(selectable[:-1])} and {selectable[-1]}"
        raise Failure(400, f"fieldSelector: {term!r} is not supported; there are {known}")
    path, wanted = name.strip().split("."), operator != "!="
    return lambda manifest: (_value(manifest, path) == value.strip()) is wanted


def _value(manifest: Any, path: Sequence[str]) -> str:
    for step in path:
        manifest = manifest.get(step, "") if isinstance(manifest, Mapping) else ""
    return str(manifest)
