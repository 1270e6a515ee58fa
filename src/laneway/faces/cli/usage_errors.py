"""What is said of a value that an option or an argument does not take, and what would be right.

Typer repeats the words of the library that parses values (``Input should be a valid integer``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from laneway.model.suggestions import nearest

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_DURATION = re.compile(r"(?P<number>\d{1,6})(?P<unit>ms|s|m|min|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_NUMBERS = {int: "a whole number", float: "a number"}


def plain_message(error: typer.BadParameter) -> str:
    """The message of ``error``; in other words, if Typer could not read a value."""
    from pydantic import ValidationError

    cause = error.__cause__
    if not isinstance(cause, ValidationError) or error.param is None:
        return error.message
    (problem, *_) = cause.errors()
    described = error.param.type_descriptor
    if described.choices:
        return _choice(problem, [str(getattr(each, "value", each)) for each in described.choices])
    kind = next((name for of, name in _NUMBERS.items() if _is(of, described.annotation)), None)
    if kind is None:
        return problem["msg"].removeprefix("Value error, ")
    return _number(
        problem, kind, getattr(error.param, "min", None), getattr(error.param, "max", None)
    )


def _is(wanted: type, annotation: Any) -> bool:
    return annotation is wanted or wanted in getattr(annotation, "__args__", ())


def _choice(problem: ErrorDetails, choices: list[str]) -> str:
    given = problem["input"]
    known = ", ".join(choices)
    meant = nearest(str(given), choices)
    return f"`{given}` is not one of {known}" + (f"; did you mean {meant}?" if meant else "")


def _number(problem: ErrorDetails, kind: str, least: float | None, most: float | None) -> str:
    given = problem["input"]
    message = f"`{given}` is not {kind}{_range(least, most)}"
    duration = _DURATION.fullmatch(str(given))
    if duration is None:
        return message
    seconds = int(duration["number"]) * _SECONDS[duration["unit"]]
    return f"{message}; write seconds without a unit, such as {seconds:g}"


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return "" if most is None else f" of at most {most:g}"
    return f" of at least {least:g}" if most is None else f" from {least:g} to {most:g}"
