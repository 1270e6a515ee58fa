"""The YAML writer: whatever it writes reads back equal, and reads like hand-written YAML."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from laneway.schema.yaml_text import dump_all, dump_each

_AMBIGUOUS = [
    *("yes", "No", "on", "OFF", "y", "true", "False", "null", "~", "", "NULL", "=", "<<"),
    *("1", "-1", "+1", "0x1f", "0o17", "017", "1_000", "1e3", "1.5", ".5", ".inf", "-.inf", ".NaN"),
    *("12:30", "190:20:30", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "0b101"),
    *("*", "&a", "!tag", "%x", "@at", "`", "|", ">", "-", "?", ":", "---", "...", "- a", "? a"),
    *("a: b", "a:", "a #b", "#b", " a", "a ", "{a}", "[a]", "a, b", "'", '"', "it's", 'say "hi"'),
    *("$asm-label", "$getExternalInboundRequestHeader(x-asm-prefer-tag, my-request-id)", "a:b"),
    *("a\nb", "a\n", "\n", "\ta", "a\tb", "\r\n", "\x85", "\u2028", "\ufeffa", "\x00", "\x1b[0m"),
    *("泳道", "é", "😀", "\\", "\\n", "http://mockb:8000/", "127.0.0.1:8000", "a" * 2000, "\ud800"),
]

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(_AMBIGUOUS)
)
_KEYS = st.text() | st.sampled_from(_AMBIGUOUS)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


def _same(a: Any, b: Any) -> bool:
    """Equal, types and order of keys included (``1 == 1.0 == True`` in Python)."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


@given(st.lists(st.dictionaries(_KEYS, _TREES, max_size=4), max_size=3))
def test_reads_back_equal(documents: list[dict[str, Any]]) -> None:
    assert _same(list(yaml.safe_load_all(dump_all(documents))), documents)


@pytest.mark.parametrize("text", _AMBIGUOUS)
def test_text_stays_text_everywhere(text: str) -> None:
    document = {
        text: text,
        "list": [text, [text], {text: [text]}],
        "map": {"a": {text: {"b": text}}},
    }
    assert _same(yaml.safe_load(dump_all([document])), document)


def test_reads_like_hand_written_yaml() -> None:
    document = {
        "metadata": {"labels": {"asm-system": "true"}, "name": "a"},
        "spec": {"hosts": ["*"], "rules": [{"a": "$x", "b": {}}, [], [["c", 1]], None, 1e17, 0.5]},
    }
    assert (
        dump_all([document, {"a": 1}])
        == """\
metadata:
  labels:
    asm-system: 'true'
  name: a
spec:
  hosts:
    - '*'
  rules:
    - a: $x
      b: {}
    - []
    - - - c
        - 1
    - null
    - 1.0e+17
    - 0.5
---
a: 1
"""
    )


def test_numbers_that_are_no_numbers() -> None:
    text = dump_all([{"a": [math.inf, -math.inf, math.nan]}])
    assert text == "a:\n  - .inf\n  - -.inf\n  - .nan\n"


def test_documents_come_one_by_one() -> None:
    assert list(dump_each([{"a": 1}, {}, {"b": 2}])) == ["a: 1\n", "---\n{}\n", "---\nb: 2\n"]
    assert dump_all([]) == ""


def test_what_is_no_document_is_refused() -> None:
    with pytest.raises(TypeError, match="holds no date"):
        dump_all([{"a": datetime.date(2001, 12, 14)}])
