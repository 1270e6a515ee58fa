"""Structs of ASM's Go types: where a zero value says nothing.

ASM's types have no pointers. What its console, its controller or a Go client writes back therefore
has ``destination: {}`` and ``name: ""`` where nothing was declared, and lacks a weight of 0 and
``online: false``. The shapes of ASM's kinds read a zero value as an absent field.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import model_validator

from laneway.schema.fields import Shape
from laneway.schema.json_schema import flattened
from laneway.schema.request_matches import Match, UriMatch


class Struct(Shape):
    """A struct whose zero values are absent fields. The entries of its maps stay as they are."""

    @model_validator(mode="before")
    @classmethod
    def _without_zero_values(cls, value: object) -> object:
        return _declared(cls, value)


class StructUriMatch(UriMatch):
    """A condition on the path."""

    @model_validator(mode="before")
    @classmethod
    def _without_zero_values(cls, value: object) -> object:
        return _declared(cls, value)


class StructMatch(Match):
    """A condition on a header. As in Istio, an empty one asks that the header is there."""

    @model_validator(mode="before")
    @classmethod
    def _without_zero_values(cls, value: object) -> object:
        return _declared(cls, value) or {"regex": ".*"}


def is_zero(value: object) -> bool:
    """Whether a value of a type that laneway does not know declares nothing."""
    if isinstance(value, Mapping):
        return all(is_zero(each) for each in value.values())
    return not value


def _declared(shape: type[Shape], value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    annotations = _annotations(shape)
    return {
        name: each
        for name, each in value.items()
        if name not in annotations or not _is_zero_of(annotations[name], each)
    }


def _is_zero_of(annotation: object, value: object) -> bool:
    """``false`` is no zero value here: ``online: false`` is said on purpose."""
    if value is None or value in ("", [], {}) or (value == 0 and type(value) is int):
        return True
    plain, _ = flattened(annotation)
    is_struct = isinstance(plain, type) and issubclass(plain, Shape)
    return is_struct and isinstance(value, Mapping) and not _declared(plain, value)


def _annotations(shape: type[Shape]) -> Mapping[object, object]:
    return {field.alias: field.annotation for field in shape.model_fields.values()}
