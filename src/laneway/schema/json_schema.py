"""Shapes -> JSON Schema, in the two styles that Kubernetes has for it.

A *structural* schema stands in a CustomResourceDefinition: one tree, in which every value has one
type, with bounds and with rules in CEL. In an *OpenAPI* document each shape is a component of its
own, to which others refer. Both are made of the same fields by the same steps; a ``Style`` holds
what differs.

A structural schema cannot say everything that decoding checks: what a reference written as a
mapping holds (a value is either some text or a mapping, so it has no type), which keys a map may
have, and whether a regular expression is RE2's. The operator's webhook decodes, and says these.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, MinLen
from pydantic.fields import FieldInfo

from laneway.schema.field_metadata import About, ClusterBound, Constraint, KeyedBy, Rule
from laneway.schema.fields import Shape

JsonSchema = dict[str, Any]

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_LEAST = {"string": "minLength", "array": "minItems", "object": "minProperties"}
_MOST = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}


@dataclass(frozen=True, slots=True)
class Style:
    """``shape`` writes the schema of a shape where it is used, ``one_of`` that of a union.

    ``bounded``: with the bounds that only a cluster has. ``nullable``: null is a value that fields
    may have (reports write it); decoding takes a null for an absent field, at most.
    """

    shape: Callable[[type[Shape]], JsonSchema]
    anything: JsonSchema
    one_of: Callable[[list[JsonSchema]], JsonSchema]
    bounded: bool
    nullable: bool = False


def structural(shape: type[Shape]) -> JsonSchema:
    """The schema of a shape for a CustomResourceDefinition."""
    if shape.short_form is not None:
        # The pattern is for the text, what is required for the mapping.
        required = _required(shape)
        return {**STRUCTURAL.anything, "pattern": anchored(shape.short_form.pattern), **required}
    return object_schema(shape, STRUCTURAL)


def object_schema(shape: type[Shape], style: Style) -> JsonSchema:
    """The schema of the mapping itself, with all its fields."""
    properties = {
        field.alias or name: field_schema(field, style)
        for name, field in shape.model_fields.items()
    }
    return {
        "type": "object",
        "properties": properties,
        **_required(shape),
        **_validations(shape.cel_rules),
    }


def field_schema(field: FieldInfo, style: Style) -> JsonSchema:
    """The schema of a field, with its description and its default."""
    schema = _schema(field.annotation, field.metadata, style)
    if style.nullable and field.is_required() and type(None) in get_args(field.annotation):
        schema["nullable"] = True
    default = default_of(field)
    return schema if default is None else {**schema, "default": default}


def default_of(field: FieldInfo) -> Any:
    """What stands for the field where it is not given; ``None`` where that is nothing."""
    default = None if field.is_required() else field.default
    plain, _ = flattened(field.annotation)
    is_port = set(get_args(plain)) == {int, str}  # 0 stands for none
    nothing = isinstance(default, Shape) or default in ("", [], {}) or (is_port and default == 0)
    return None if nothing else default


def flattened(annotation: Any, metadata: Sequence[Any] = ()) -> tuple[Any, list[Any]]:
    """The plain type inside ``Annotated`` and ``X | None``, and all that was said about it.

    The innermost metadata comes first.
    """
    found = [
        each for one in metadata for each in (one.metadata if isinstance(one, FieldInfo) else [one])
    ]
    if get_origin(annotation) is Annotated:
        inner, *outer = get_args(annotation)
        plain, more = flattened(inner, outer)
        return plain, [*more, *found]
    if get_origin(annotation) in (Union, types.UnionType):
        options = [each for each in get_args(annotation) if each is not type(None)]
        if len(options) == 1:
            plain, more = flattened(options[0])
            return plain, [*more, *found]
    return annotation, found


def _schema(annotation: Any, metadata: Sequence[Any], style: Style) -> JsonSchema:
    plain, found = flattened(annotation, metadata)
    schema = _of_type(plain, style)
    for each in found:
        match each:
            case About():
                schema["description"] = described(each, plain)
            case Constraint():
                schema |= _constrained(each)
                schema |= _validations(each.rules)
            case ClusterBound() if style.bounded:
                schema[_MOST[schema["type"]]] = each.most
            case KeyedBy():
                schema["x-kubernetes-list-type"] = "map"
                schema["x-kubernetes-list-map-keys"] = [each.field]
            case MinLen():
                schema[_LEAST[schema["type"]]] = each.min_length
            case Ge():
                schema["minimum"] = each.ge
            case Gt():
                schema |= {"minimum": each.gt, "exclusiveMinimum": True}
    head: JsonSchema = {
        name: schema.pop(name) for name in ("type", "description") if name in schema
    }
    return {**head, **schema}


def _of_type(plain: Any, style: Style) -> JsonSchema:
    origin, arguments = get_origin(plain), get_args(plain)
    if plain in _SCALARS:
        return {"type": _SCALARS[plain]}
    if plain is Any:
        return dict(style.anything)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], (), style)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], (), style)}
    if isinstance(plain, type) and issubclass(plain, Shape):
        schema = dict(style.shape(plain))
        if plain.about is not None:
            schema["description"] = described(plain.about, plain)
        return schema
    assert origin in (Union, types.UnionType), f"no schema for {plain}"
    return style.one_of([_schema(each, (), style) for each in arguments])


def described(about: About, plain: Any) -> str:
    """What the value means, and how it may be written."""
    summary = plain.summary if isinstance(plain, type) and issubclass(plain, Shape) else None
    if summary is None:
        return about.meaning
    return f"{about.meaning} Written as {summary.words}."


def _constrained(constraint: Constraint) -> JsonSchema:
    said = {
        "pattern": constraint.pattern and anchored(constraint.pattern),
        "minLength": constraint.min_length,
        "minimum": constraint.minimum,
        "maximum": constraint.maximum,
        "format": constraint.format,
    }
    return {name: value for name, value in said.items() if value not in (None, "")}


def anchored(pattern: str) -> str:
    """The pattern for all of a text: JSON Schema's patterns match anywhere."""
    return f"^(?:{pattern})$" if "|" in pattern else f"^{pattern}$"


def _required(shape: type[Shape]) -> JsonSchema:
    names = [f.alias or name for name, f in shape.model_fields.items() if f.is_required()]
    return {"required": names} if names else {}


def _validations(rules: Sequence[Rule]) -> JsonSchema:
    if not rules:
        return {}
    return {
        "x-kubernetes-validations": [{"rule": rule.cel, "message": rule.message} for rule in rules]
    }


def shapes_in(shape: type[Shape]) -> Iterator[type[Shape]]:
    """The shape and all shapes that its fields hold, each once."""
    seen: dict[type[Shape], None] = {}
    waiting = [shape]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen[one] = None
        for field in one.model_fields.values():
            waiting += _shapes_of(field.annotation)
    return iter(seen)


def _shapes_of(annotation: Any) -> list[type[Shape]]:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return [annotation]
    return [shape for part in get_args(annotation) for shape in _shapes_of(part)]


STRUCTURAL = Style(
    shape=structural,
    anything={"x-kubernetes-preserve-unknown-fields": True},
    # A number or some text: the one union that a structural schema has.
    one_of=lambda _: {"x-kubernetes-int-or-string": True},
    bounded=True,
)
