"""The fields of a shape as rows of a table, in English or in Chinese: what the reference prints."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, MinLen
from pydantic.fields import FieldInfo

from laneway.schema.field_metadata import About, ClusterBound, Constraint
from laneway.schema.fields import Shape
from laneway.schema.json_schema import default_of, flattened

Language = Literal["en", "zh"]

_TYPES = {
    str: {"en": "text", "zh": "文本"},
    int: {"en": "whole number", "zh": "整数"},
    float: {"en": "number", "zh": "数字"},
    bool: {"en": "boolean", "zh": "布尔值"},
    Any: {"en": "any", "zh": "任意"},
}
_WORDS = {
    "en": {
        "required": "required",
        "none": "none",
        "null": "may be null",
        "object": "mapping",
        "reference": "text or mapping",
        "list": "list of {}",
        "map": "map of {}",
        "or": " or ",
        "below": "the fields below",
        "each": "each item: {}",
        "entries": "keys: {}; values: {}",
        "some": "at least {} of them",
        "at least": "at least {}",
        "more than": "more than {}",
        "characters": "in a cluster at most {} characters",
        "characters everywhere": "at most {} characters",
        "items": "in a cluster at most {} of them",
        "boolean": "`true` or `false`",
        "and": "; ",
    },
    "zh": {
        "required": "必填",
        "none": "无",
        "null": "可为 null",
        "object": "映射",
        "reference": "文本或映射",
        "list": "{}列表",
        "map": "{}的映射",
        "or": " 或 ",
        "below": "见下列字段",
        "each": "每项：{}",
        "entries": "键：{}；值：{}",
        "some": "至少 {} 个",
        "at least": "不小于 {}",
        "more than": "大于 {}",
        "characters": "在集群中最多 {} 个字符",
        "characters everywhere": "最多 {} 个字符",
        "items": "在集群中最多 {} 个",
        "boolean": "`true` 或 `false`",
        "and": "；",
    },
}

#: Text that YAML reads as text without quotes, also inside of brackets.
_PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off)$)[A-Za-z/$][\w ./$()-]*")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: its path within the object, and what is said about it, as Markdown.

    ``example`` is the value itself. A text is empty where the field lacks a declaration.
    """

    path: str
    type: str
    default: str
    meaning: str
    constraint: str
    example: Any
    annotation: Any


def field_rows(shape: type[Shape], language: Language, path: str = "") -> Iterator[FieldRow]:
    """The shape's fields in their order, each followed by the fields inside it."""
    for name, field in shape.model_fields.items():
        here = f"{path}{field.alias or name}"
        yield _row(field, here, language)
        inner, step = _inside(field.annotation)
        if inner is not None and inner.summary is None:
            yield from field_rows(inner, language, f"{here}{step}.")


def _row(field: FieldInfo, path: str, language: Language) -> FieldRow:
    _, found = flattened(field.annotation, field.metadata)
    abouts = [each for each in found if isinstance(each, About)]
    about = abouts[-1] if abouts else About("", "", None)
    return FieldRow(
        path=path,
        type=_type(field.annotation, language),
        default=_default(field, language),
        meaning=about.meaning if language == "en" else about.zh,
        constraint=_constraint(field.annotation, field.metadata, language),
        example=about.example,
        annotation=field.rebuild_annotation(),
    )


def _inside(annotation: Any) -> tuple[type[Shape] | None, str]:
    """The shape that a field holds, and the step that leads there: ``[]`` of a list."""
    plain, _ = flattened(annotation)
    if get_origin(plain) is list:
        return _inside(get_args(plain)[0])[0], "[]"
    if get_origin(plain) is dict:
        return _inside(get_args(plain)[1])[0], ".*"
    return (plain if isinstance(plain, type) and issubclass(plain, Shape) else None), ""


def _type(annotation: Any, language: Language) -> str:
    plain, _ = flattened(annotation)
    words = _WORDS[language]
    if plain in _TYPES:
        return _TYPES[plain][language]
    if get_origin(plain) is Literal:
        return _TYPES[str][language]
    if get_origin(plain) is list:
        return words["list"].format(_type(get_args(plain)[0], language))
    if get_origin(plain) is dict:
        return words["map"].format(_type(get_args(plain)[1], language))
    if get_origin(plain) in (Union, types.UnionType):
        return words["or"].join(_type(each, language) for each in get_args(plain))
    return words["reference" if plain.short_form else "object"]


def _default(field: FieldInfo, language: Language) -> str:
    words = _WORDS[language]
    if field.is_required():
        nullable = type(None) in get_args(field.annotation)
        return words["null"] if nullable else words["required"]
    default = default_of(field)
    return words["none"] if default is None else code(default)


def _constraint(annotation: Any, metadata: Any, language: Language) -> str:
    plain, found = flattened(annotation, metadata)
    words = _WORDS[language]
    said = [_of_type(plain, language)]
    for each in found:
        match each:
            case Constraint():
                said.append(each.words if language == "en" else each.zh)
            case MinLen():
                said.append(words["some"].format(each.min_length) if plain is not str else "")
            case Ge():
                said.append(words["at least"].format(each.ge))
            case Gt():
                said.append(words["more than"].format(each.gt))
            case ClusterBound(everywhere=True):
                said.append(words["characters everywhere"].format(each.most))
            case ClusterBound():
                said.append(words["characters" if plain is str else "items"].format(each.most))
    return words["and"].join(filter(None, said))


def _of_type(plain: Any, language: Language) -> str:
    words, arguments = _WORDS[language], get_args(plain)
    if plain is bool:
        return words["boolean"]
    if get_origin(plain) is Literal:
        return words["or"].join(map(code, arguments))
    if get_origin(plain) is list:
        inner = _constraint(arguments[0], (), language)
        return words["each"].format(inner) if inner else ""
    if get_origin(plain) is dict:
        # A cluster has no bounds for keys.
        key, value = (flattened(each) for each in arguments)
        keys = [each for each in key[1] if getattr(each, "everywhere", True)]
        entries = [_constraint(key[0], keys, language), _constraint(*value, language)]
        return words["entries"].format(*entries) if all(entries) else ""
    if isinstance(plain, type) and issubclass(plain, Shape):
        if plain.summary is None:
            return words["below"]
        return plain.summary.words if language == "en" else plain.summary.zh
    return ""


def code(value: Any) -> str:
    """A value as it is written in a document, in one line: YAML's flow style of JSON's values."""
    return f"`{_flow(value)}`"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
