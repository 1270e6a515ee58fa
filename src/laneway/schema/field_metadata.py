"""What a field declares besides its type: meaning, example, constraints.

Shapes carry these as metadata of their annotations. Everything that describes a document to people
or to other programs is generated from there: the CustomResourceDefinitions, the OpenAPI document
and the tables of the reference. Pydantic passes them by; it checks values with the validators that
stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """What a field means, in English and in Chinese, and a value as a user would write it."""

    meaning: str
    zh: str
    example: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition in CEL on ``self``, for what a structural schema cannot say."""

    cel: str
    message: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """Which values are legal: in words, for the reference, and in the terms of JSON Schema.

    ``pattern`` matches the whole text and is legal in RE2 and in Python; it has no anchors.
    ``rules`` stand for a pattern where the API server should say more than that it did not match.
    """

    words: str
    zh: str
    pattern: str = ""
    min_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    format: str = ""
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterBound:
    """The most characters, items or entries that a cluster takes; in files there is no bound, or,
    if ``everywhere``, the same, which the field's validator knows.

    The API server wants bounds, because it estimates from them what checking a rule may cost.
    """

    most: int
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class KeyedBy:
    """A list in which no two items have the same value of this field."""

    field: str
