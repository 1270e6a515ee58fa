"""Short forms of emitted documents: a line for what matters, and every field that is not usual.

``tests/golden/usual/<dialect>.yaml`` declares them: by section, a list of forms, each with the
``usual`` document and the ``line`` that stands for it. A string of the usual document may contain
holes: ``<name>`` takes what the document has there, or, the second time, must be the same;
``<name: one section>`` takes what a form of ``section`` stands for, and ``<name: each section>`` a
list or a mapping of such. They come where the line names them, or else below it.
The form with the fewest differences is used, of several the one that leaves least to others.

Nothing is lost: what is not in the line follows it, one field a line, marked with ``!``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tests.compile.flow_text import LIKE_NO_TEXT, Part, flow

FOLDER = Path(__file__).parents[1] / "golden/usual"
#: What a line with a field that is not usual begins with.
MARK = "! "
_HOLE = re.compile(r"<(\w+)(?:: (?:(each|one) (\w+)))?>")


@dataclass(frozen=True)
class Form:
    line: str
    usual: Any


Forms = Mapping[str, Sequence[Form]]


@dataclass(frozen=True)
class Nested:
    section: str
    values: Sequence[Any] | Mapping[str, Any]


@dataclass
class Fit:
    """How a document fits the usual one of a form."""

    form: Form
    taken: dict[str, Any]
    nested: dict[str, Nested] = field(default_factory=dict)
    unusual: dict[str, Any] = field(default_factory=dict)
    #: How many fields and values differ, those within others included.
    differences: int = 0
    #: With more differences the fit is not wanted, and the comparison ends early.
    limit: float = math.inf

    def differs(self, path: str, value: Any, instead_of: Any) -> None:
        self.unusual[path] = value
        self.differences += max(size(value), size(instead_of))


@cache
def forms(dialect: str) -> Forms:
    text = (FOLDER / f"{dialect}.yaml").read_text(encoding="utf-8")
    sections = yaml.safe_load(text)["forms"]
    return {name: [Form(**each) for each in sections[name]] for name in sections}


def short_form(dialect: str, document: Any) -> list[str]:
    """The lines of one document."""
    return lines_of(forms(dialect), "document", document, {})


def best_fit(among: Sequence[Form], document: Any, taken: Mapping[str, Any]) -> Fit:
    """``taken`` are the holes that the documents around this one have filled."""
    fits: list[Fit] = []
    limit = math.inf
    for form in among:
        fit = Fit(form, dict(taken), limit=limit)
        _compare(form.usual, document, "", fit)
        fits.append(fit)
        limit = min(limit, fit.differences)
    return min(fits, key=lambda fit: (fit.differences, len(fit.nested)))


def _compare(usual: Any, value: Any, path: str, fit: Fit) -> None:
    if fit.differences > fit.limit:
        return
    if isinstance(usual, str) and "<" in usual:
        if not _fill(usual, value, fit):
            fit.differs(path, value, usual)
    elif isinstance(usual, dict) and isinstance(value, dict):
        for key in usual:
            if key in value:
                _compare(usual[key], value[key], f"{path}.{key}", fit)
            else:
                fit.differs(f"{path}.{key}", Part("absent"), usual[key])
        for key in value.keys() - usual.keys():
            fit.differs(f"{path}.{key}", value[key], None)
    elif isinstance(usual, list) and isinstance(value, list) and len(usual) == len(value):
        for index, (one, other) in enumerate(zip(usual, value, strict=True)):
            _compare(one, other, f"{path}[{index}]", fit)
    elif type(usual) is not type(value) or usual != value:
        fit.differs(path, value, usual)


def size(value: Any) -> int:
    """How many values there are in ``value``, itself included. Most of the time is spent here."""
    kind = type(value)
    if kind is dict:
        return 1 + sum(map(size, value.values()))
    return 1 + sum(map(size, value)) if kind is list else 1


def _same(one: Any, other: Any) -> bool:
    """Unlike ``==``, which holds 1 and True for equal."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _fill(usual: str, value: Any, fit: Fit) -> bool:
    whole = _HOLE.fullmatch(usual)
    if whole and whole[2]:
        values = [value] if whole[2] == "one" else value
        if fits := isinstance(values, list | dict):
            fit.nested[whole[1]] = Nested(whole[3], values)
        return fits
    if whole:
        known = fit.taken.setdefault(whole[1], value)
        if not isinstance(known, Part) or str(known) != str(value):
            return _same(known, value)
        if LIKE_NO_TEXT.fullmatch(known) and flow(known) != flow(value):
            fit.taken[whole[1]] = value
        return True
    match = re.fullmatch(_pattern(usual, fit.taken), value) if isinstance(value, str) else None
    if match:
        fit.taken |= {name: Part(text) for name, text in match.groupdict().items()}
    return match is not None


def _pattern(usual: str, taken: Mapping[str, Any]) -> str:
    pattern, end, seen = "", 0, set()
    for hole in _HOLE.finditer(usual):
        pattern += re.escape(usual[end : hole.start()])
        end, name = hole.end(), hole[1]
        if name in taken:
            pattern += re.escape(str(taken[name]))
        else:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.*)"
        seen.add(name)
    return pattern + re.escape(usual[end:])


def lines_of(all_forms: Forms, section: str, value: Any, taken: Mapping[str, Any]) -> list[str]:
    fit = best_fit(all_forms[section], value, taken)
    if "" in fit.unusual:
        return [MARK + flow(value)]
    inline = {hole[1] for hole in _HOLE.finditer(fit.form.line)}
    items = {
        name: list(_items(all_forms, nested, fit.taken)) for name, nested in fit.nested.items()
    }

    def shown(hole: re.Match[str]) -> str:
        name = hole[1]
        if name in items:
            return ", ".join(_on_one_line(item) for item in items[name])
        return flow(fit.taken[name]) if name in fit.taken else "-"

    below = [line for name in items if name not in inline for item in items[name] for line in item]
    unseen = {name for name in fit.taken if fit.taken[name] is not taken.get(name)} - inline
    unusual = {**fit.unusual, **{f".<{name}>": fit.taken[name] for name in unseen}}
    marked = [f"{MARK}{path[1:]}: {flow(unusual[path])}" for path in sorted(unusual)]
    return [_HOLE.sub(shown, fit.form.line), *(f"  {line}" for line in [*marked, *below])]


def _items(all_forms: Forms, nested: Nested, taken: Mapping[str, Any]) -> Iterator[list[str]]:
    if isinstance(nested.values, Mapping):
        for key in sorted(nested.values):
            first, *rest = lines_of(all_forms, nested.section, nested.values[key], taken)
            yield [f"{flow(key)} -> {first}", *rest]
    else:
        for value in nested.values:
            yield lines_of(all_forms, nested.section, value, taken)


def _on_one_line(lines: list[str]) -> str:
    first, *rest = lines
    return f"{first} ({'; '.join(line.strip() for line in rest)})" if rest else first
