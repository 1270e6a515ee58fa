"""Problems: pydantic's errors in plain English, as findings.

Every one says what is wrong and what would be right; a misspelt field gets its near miss.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.suggestions import listing, suggestion
from laneway.schema.fields import describe

_EXPECTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
#: Findings about one document. There may be a million errors in one, and each takes a moment to
#: explain.
MOST = 100
_COMPARED = {"greater_than_equal": ("at least", "ge"), "greater_than": ("more than", "gt")}


def problems(error: ValidationError, shape: type[BaseModel]) -> list[Finding]:
    """One finding for each thing wrong with a document of this shape; of many, the first ones."""
    details = error.errors(include_url=False)
    found = [_problem(detail, shape) for detail in details[:MOST]]
    misspelt = {(f.path[:-1], f.fix) for f in found if f.code == Code.UNKNOWN_FIELD}
    found = [f for f in found if not _is_misspelt(f, misspelt)]
    if len(details) > MOST:
        message = f"{len(details) - MOST:,} more errors in this document are not listed"
        found.append(Finding(Code.TOO_MANY_ERRORS, message, "mend the others first"))
    return found


def _is_misspelt(finding: Finding, misspelt: set[tuple[Path, str]]) -> bool:
    """Whether a missing field is there after all, under a name that is reported already."""
    if finding.code != Code.MISSING_FIELD:
        return False
    return (finding.path[:-1], f"did you mean {finding.path[-1]}?") in misspelt


def _problem(detail: ErrorDetails, shape: type[BaseModel]) -> Finding:
    path, key = detail["loc"], "[key]" in detail["loc"]
    path = tuple(part for part in path if part != "[key]")
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "wrong":
        return Finding(Code(context["code"]), context["text"], context["fix"], path=path)
    if kind == "missing":
        return Finding(Code.MISSING_FIELD, f"the field `{path[-1]}` is missing", path=path)
    if kind in ("extra_forbidden", "invalid_key"):
        return _unknown_field(path, shape)
    if kind in _EXPECTED:
        what = "the key: expected " if key else "expected "
        message = f"{what}{_EXPECTED[kind]}, got {describe(value)}"
        return Finding(Code.WRONG_TYPE, message, _remedy(kind, value), path=path)
    if kind == "literal_error":
        options = _literals(context["expected"])
        fix = suggestion(str(value), options, f"choose one of {', '.join(options)}")
        message = f"expected {' or '.join(options)}, got {describe(value)}"
        return Finding(Code.INVALID_VALUE, message, fix, path=path)
    if kind == "too_short":
        message = f"`{path[-1]}` is empty"
        return Finding(Code.INVALID_VALUE, message, "give at least one", path=path)
    if kind == "string_too_short":
        return Finding(Code.INVALID_VALUE, f"`{path[-1]}` is empty", "write some text", path=path)
    if kind in _COMPARED:
        words, bound = _COMPARED[kind]
        message = f"expected {words} {context[bound]:g}, got {describe(value)}"
        return Finding(Code.INVALID_VALUE, message, path=path)
    message = f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, got {describe(value)}"
    return Finding(Code.INVALID_VALUE, message, path=path)


def _remedy(kind: str, value: object) -> str:
    if value is None and kind == "string_type":
        return 'write "" for an empty text, or leave the field out'
    if value is None:
        return "give a value, or leave the field out"
    if kind == "string_type" and isinstance(value, bool):
        alike = "true, yes and on" if value else "false, no and off"
        return f"quote it: unquoted, YAML reads {alike} alike"
    if kind == "string_type" and isinstance(value, int | float):
        return f'quote it: "{value}"'
    if kind in ("int_type", "float_type") and isinstance(value, str) and value.isdigit():
        return f"remove the quotes: {value}"
    if kind == "bool_type":
        return "write true or false, without quotes"
    if kind == "list_type":
        return "begin each item with `- `, or write [a, b]"
    if kind in ("dict_type", "model_type"):
        return "write `name: value` on lines of their own, or {name: value}"
    return ""


def _literals(expected: str) -> list[str]:
    """Pydantic's ``'a', 'b' or 'c'``, apart."""
    return [part.strip("'") for part in expected.replace(" or ", ", ").split(", ")]


def _unknown_field(path: Path, shape: type[BaseModel]) -> Finding:
    fields = list(fields_at(shape, path[:-1]))
    fix = suggestion(str(path[-1]), fields, f"the fields here are {listing(fields)}")
    return Finding(Code.UNKNOWN_FIELD, f"unknown field `{path[-1]}`", fix, path=path)


def fields_at(shape: type[BaseModel], path: Path) -> Iterable[str]:
    """The fields that the mapping at ``path`` may have, as people write them."""
    annotation: Any = shape
    for part in path:
        model = _model(annotation)
        if model is not None:
            aliases = {f.alias or name: f.annotation for name, f in model.model_fields.items()}
            annotation = aliases.get(str(part))
        else:
            annotation = next(reversed(get_args(_plain(annotation))), None)
    model = _model(annotation)
    return [f.alias or name for name, f in model.model_fields.items()] if model else ()


def _plain(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    while True:
        if get_origin(annotation) is typing.Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(a for a in get_args(annotation) if a is not type(None))
        else:
            return annotation


def _model(annotation: Any) -> type[BaseModel] | None:
    plain = _plain(annotation)
    return plain if isinstance(plain, type) and issubclass(plain, BaseModel) else None
