"""YAML -> plain data with lines, as Kubernetes reads it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from laneway.adapters.files.yamls import documents, one_document, plain
from laneway.model.codes import Code
from laneway.model.findings import Finding, Source
from laneway.schema import Document


def data(text: str) -> list[object]:
    found = list(documents("test", text))
    assert [item for item in found if isinstance(item, Finding)] == []
    return [item.data for item in found if isinstance(item, Document)]


def only(text: str) -> Document:
    (document,) = documents("test", text)
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8000", 8000),
        ("-1", -1),
        ("0x1F", 31),
        ("010", 8),
        ("0o10", 8),
        ("0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("true", True),
        ("Yes", True),
        ("on", True),
        ("OFF", False),
        ("~", None),
        ("null", None),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("09", 9.0),
        ("1e5", 1e5),
        ("yEs", "yEs"),
        ("'8000'", "8000"),
        ('"true"', "true"),
        ("!!str 8000", "8000"),
        ("!!int '8'", 8),
        ("! 8", "8"),
        ("1" * 5000, "1" * 5000),
    ],
)
def test_scalars(text: str, value: object) -> None:
    assert data(f"a: {text}\n") == [{"a": value}]


# PyYAML leaves some floats unquoted (0E0, 09) that Kubernetes reads as numbers.
words = st.text(max_size=8).filter(lambda word: not isinstance(plain(word), float))
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(words, plain_values, min_size=1), max_size=3))
def test_reads_what_yaml_writes(values: list[Any]) -> None:
    text = yaml.safe_dump_all(values, allow_unicode=False)
    assert data(text) == values


def test_anchors_and_merge_keys() -> None:
    text = "base: &b {x: 1, y: 2}\none: *b\ntwo: {<<: *b, y: 3}\nthree: {<<: [*b, {z: 4}]}\n"
    assert data(text) == [
        {
            "base": {"x": 1, "y": 2},
            "one": {"x": 1, "y": 2},
            "two": {"x": 1, "y": 3},
            "three": {"x": 1, "y": 2, "z": 4},
        }
    ]


def test_lines() -> None:
    document = only("# first\nkind: a\nspec:\n  list:\n    - x\n    - y: 1\n      z: 2\n")
    assert document.source == Source("test", 1, 2)
    assert document.line(("kind",)) == 2
    assert document.line(("spec",)) == 3
    assert document.line(("spec", "list")) == 4
    assert document.line(("spec", "list", 1)) == 6
    assert document.line(("spec", "list", 1, "z")) == 7
    assert document.line(("spec", "missing")) == 3
    assert document.line(("spec", "list", 7)) == 4


def test_empty_documents_count_but_declare_nothing() -> None:
    found = list(documents("test", "---\n---\n# nothing\n---\na: 1\n...\n"))
    assert [item.source for item in found] == [Source("test", 3, 5)]


def test_documents_before_a_syntax_error_stand() -> None:
    first, second = documents("test", "a: 1\n---\nb: [\n")
    assert isinstance(first, Document)
    assert isinstance(second, Finding)
    assert second.code == Code.INVALID_YAML
    assert second.source == Source("test", 2, 4)


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 200_000, "{a: " * 200_000, "? " * 9000])
def test_deep_nesting_ends_in_a_finding(text: str) -> None:
    (finding,) = documents("test", text)
    assert isinstance(finding, Finding)
    assert finding.code in (Code.TOO_DEEP, Code.INVALID_YAML)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: *b\n", Code.INVALID_YAML),
        ("a: &x [*x]\n", Code.ALIAS_LOOP),
        ("a: !!binary aGk=\n", Code.UNKNOWN_TAG),
        ("a: !custom x\n", Code.UNKNOWN_TAG),
        ("{a: 1}: b\n", Code.INVALID_YAML),
        ("a: {<<: 1}\n", Code.INVALID_YAML),
        ("a: \x07\n", Code.INVALID_YAML),
        ("a: 'x\n", Code.INVALID_YAML),
        ("%YAML 9.9\n---\na: 1\n", Code.INVALID_YAML),
        ("a: @b\n", Code.INVALID_YAML),
    ],
)
def test_one_finding_with_its_line(text: str, code: Code) -> None:
    (finding,) = documents("test", text)
    assert isinstance(finding, Finding)
    assert finding.code == code
    assert finding.source is not None
    assert finding.source.line is not None


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#?, \n\t\\%@`<~0", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for item in documents("test", text):
        assert isinstance(item, Document | Finding)


@pytest.mark.parametrize(
    "text",
    [
        "{{- if .Values.enabled }}\napiVersion: v1\n{{- end }}\n",
        "kind: Service\nmetadata:\n  name: {{ .Values.name }}\n",
        "kind: Service\nspec:\n  ports:\n    - {{ .Values.port }}\n",
        "kind: Service\nmetadata:\n  labels:\n    {{- include 'a' . | nindent 4 }}\nspec: {}\n",
    ],
)
def test_a_template_is_told_apart_from_wrong_yaml(text: str) -> None:
    findings = [each for each in documents("a.yaml", text) if isinstance(each, Finding)]
    assert [finding.code for finding in findings] == [Code.HELM_TEMPLATE]


def test_quoted_braces_before_an_error_make_no_template() -> None:
    text = 'summary: "{{ $labels.instance }} is down"\nspec: {a: 1]\n'
    findings = [each for each in documents("a.yaml", text) if isinstance(each, Finding)]
    assert [finding.code for finding in findings] == [Code.INVALID_YAML]


def test_an_error_in_the_text_of_a_request_has_its_line() -> None:
    with pytest.raises(ValueError, match=r"^line 2: a tab stands where YAML wants spaces"):
        one_document("a: 1\n\tb: 2\n")
