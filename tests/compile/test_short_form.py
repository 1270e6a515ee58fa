"""Short forms lose nothing: every change of a document changes its short form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.compile.flow_text import flow
from tests.compile.golden_documents import DIALECTS, FULL, Document, short_text
from tests.compile.short_form import (
    MARK,
    Fit,
    Form,
    best_fit,
    forms,
    lines_of,
    short_form,
    size,
)

EVERY = pytest.mark.parametrize("dialect", DIALECTS)


def written(usual: Any, line: str, document: Any, **sections: list[Form]) -> list[str]:
    return lines_of({"document": [Form(line, usual)], **sections}, "document", document, {})


def test_what_is_usual_is_not_written() -> None:
    usual = {"name": "<name>", "timeout": "0s"}
    assert written(usual, "route <name>", {"name": "a", "timeout": "0s"}) == ["route a"]


@pytest.mark.parametrize(
    ("document", "difference"),
    [
        ({"name": "a", "timeout": "1s"}, "! timeout: 1s"),
        ({"name": "a"}, "! timeout: absent"),
        ({"name": "a", "timeout": "0s", "retries": [1, "1"]}, "! retries: [1, '1']"),
        ({"name": "a", "timeout": {"seconds": True}}, "! timeout: {seconds: true}"),
    ],
)
def test_what_is_not_usual_is(document: Document, difference: str) -> None:
    usual = {"name": "<name>", "timeout": "0s"}
    assert written(usual, "route <name>", document) == ["route a", f"  {difference}"]


def test_a_hole_takes_the_same_everywhere() -> None:
    usual = {"name": "outbound|<port>|<host>", "port": "<port>", "host": "<host>"}
    same = {"name": "outbound|80|a", "port": 80, "host": "a"}
    assert written(usual, "<host>:<port>", same) == ["a:80"]
    other = {"name": "outbound|80|a", "port": 81, "host": "b"}
    assert written(usual, "<host>:<port>", other) == ["a:80", "  ! host: b", "  ! port: 81"]


def test_a_hole_tells_a_number_from_its_digits() -> None:
    usual = {"name": "outbound|<port>", "port": "<port>"}
    assert written(usual, "<port>", {"name": "outbound|80", "port": 80}) == ["80"]
    assert written(usual, "<port>", {"name": "outbound|80", "port": "80"}) == ["'80'"]
    nested, same = {"name": "outbound|<port>", "at": "<at: one port>"}, [Form("same", "<port>")]
    found = {"name": "outbound|80", "at": "80"}
    lines = written(nested, "<port> <at: one port>", found, port=same)
    assert lines == ["80 same (! <port>: '80')"]


def test_a_hole_that_the_line_does_not_name_is_written_nevertheless() -> None:
    assert written({"name": "<name>"}, "route", {"name": "a"}) == ["route", "  ! <name>: a"]


def test_nested_forms_come_in_the_line_or_below_it() -> None:
    members = [Form("<lane>", "outbound|<lane>")]
    usual = {"clusters": "<members: each member>"}
    found = {"clusters": ["outbound|s1", "other"]}
    assert written(usual, "<members: each member>", found, member=members) == ["s1, ! other"]
    assert written(usual, "all", found, member=members) == ["all", "  s1", "  ! other"]
    by_lane = {"clusters": {"s2": "outbound|s1"}}
    assert written(usual, "all", by_lane, member=members) == ["all", "  s2 -> s1"]


@pytest.mark.parametrize("value", ["8000", "true", "null", "absent", "", "a b", "[", 'a"b', "a\nb"])
def test_texts_are_not_taken_for_what_they_are_not(value: str) -> None:
    assert flow(value)[0] in "'\""
    assert flow(value)[-1] == flow(value)[0]


@EVERY
def test_the_full_case_has_nothing_unusual(dialect: str) -> None:
    """Where what is usual has changed, ``tests/golden/usual`` is to be edited by hand."""
    text = short_text(dialect, DIALECTS[dialect][1](FULL))
    assert [line for line in text.splitlines() if MARK in line] == []


@EVERY
def test_every_form_is_one_of_some_document(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Form] = []

    def recorded(*arguments: Any) -> Fit:
        fit = best_fit(*arguments)
        used.append(fit.form)
        return fit

    monkeypatch.setattr("tests.compile.short_form.best_fit", recorded)
    names, documents = DIALECTS[dialect]
    for name in names:
        short_text(dialect, documents(name))
    known = [form for section in forms(dialect).values() for form in section]
    assert [form.line for form in known if form not in used] == []


@pytest.mark.slow
@EVERY
def test_every_change_of_a_document_is_seen(dialect: str) -> None:
    """Each value and type changed, each field and item removed, added and moved: one of a kind.

    Of a kind's documents the smallest is changed: each change writes the whole document again.
    """
    names, documents = DIALECTS[dialect]
    tried: set[tuple[str, ...]] = set()
    for document in sorted((each for name in names for each in documents(name)), key=size):
        before = short_form(dialect, document)
        for kind in changes(document, "", tried):
            assert short_form(dialect, document) != before, kind
    assert len(tried) > 100


def changes(node: Any, path: str, tried: set[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Changes ``node`` in place while the consumer looks, and back. Those tried are left out."""
    entries = list(node.items() if isinstance(node, dict) else enumerate(node))
    for key, value in entries:
        below = f"{path}.{key}" if isinstance(node, dict) else f"{path}[]"
        for other in others(value):
            kind = (below, type(other).__name__, *siblings(node))
            if kind not in tried:
                tried.add(kind)
                node[key] = other
                yield kind
                node[key] = value
        if isinstance(value, dict | list):
            yield from changes(value, below, tried)
    for shape, other in reshaped(node):
        kind = (path, shape, *siblings(node))
        if kind not in tried:
            tried.add(kind)
            restore = node.copy()
            replace(node, other)
            yield kind
            replace(node, restore)


def siblings(node: Any) -> list[str]:
    return sorted(node) if isinstance(node, dict) else []


def others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, str(value).lower()]
    if isinstance(value, int):
        return [value + 1, str(value), float(value)]
    if isinstance(value, str):
        return [f"{value}x", json.loads(value) if value.isdigit() else None]
    return [None]


def reshaped(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield "added", {**node, "added": {}}
        for gone in node:
            yield f"without {gone}", {key: node[key] for key in node if key != gone}
    else:
        yield "twice the first", [*node[:1], *node]
        for index in range(len(node)):
            yield f"without [{index}]", node[:index] + node[index + 1 :]
        if node != node[::-1]:
            yield "reversed", node[::-1]


def replace(node: Any, other: Any) -> None:
    if isinstance(node, dict):
        node.clear()
        node.update(other)
    else:
        node[:] = other
