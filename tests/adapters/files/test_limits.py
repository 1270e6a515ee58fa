"""Large and hostile inputs: the work grows with the input, or stops at a stated limit.

Work is counted in calls of Python functions, not in time, so that a busy machine changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import count
from types import FrameType

import pytest

from laneway.adapters.files import MAX_ERRORS, yamls
from laneway.adapters.files.reading import Reading, read_texts
from laneway.adapters.files.sources import Text
from laneway.adapters.files.yamls import MAX_DUPLICATES
from laneway.model.codes import Code
from laneway.model.findings import Finding, InvalidInput
from laneway.model.suggestions import nearest
from laneway.schema import problems
from laneway.schema.kind import repeated

SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\n"
    "spec: {selector: {app: s}, ports: [{port: 80}]}\n---\n"
)
GROUP = (
    "apiVersion: laneway.dev/v1alpha1\nkind: LaneGroup\nmetadata: {name: g}\n"
    "spec: {routeHeader: x-lane, services: [%s]}\n---\n"
)
LANE = (
    "apiVersion: laneway.dev/v1alpha1\nkind: Lane\nmetadata: {name: l%d}\n"
    "spec: {group: g, selector: {a: b}, services: [%s], fallback: [%s]}\n---\n"
)
WORKLOAD = (
    "apiVersion: laneway.dev/v1alpha1\nkind: Workload\n"
    "metadata: {name: w%d, labels: {app: s, a: b}}\n"
    "spec: {command: [x], ports: [{port: 80}]}\n---\n"
)
PORTS = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n"


def read(text: str) -> Reading | tuple[Finding, ...]:
    try:
        return read_texts([Text("a.yaml", text)])
    except InvalidInput as invalid:
        return invalid.findings


def findings(text: str) -> tuple[Finding, ...]:
    found = read(text)
    return found.findings if isinstance(found, Reading) else found


def calls(text: str) -> int:
    """How many functions, Python's and C's, are called to read ``text``."""
    number = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        read(text)
    finally:
        sys.setprofile(None)
    return number


def chain(number: int) -> str:
    lanes = (LANE % (i, "s0", f"l{i + 1}") for i in range(number - 1))
    return GROUP % "s0" + SERVICE % 0 + "".join(lanes) + LANE % (number - 1, "s0", "")


INPUTS: dict[str, Callable[[int], str]] = {
    "empty documents": lambda n: "---\n" * n,
    "documents": lambda n: "".join(SERVICE % i for i in range(n)),
    "duplicate objects": lambda n: SERVICE % 1 * n,
    "duplicate keys": lambda n: "a: 1\n" * n,
    "unknown fields": lambda n: PORTS + "".join(f"x{i}: 1\n" for i in range(n)),
    "foreign kinds": lambda n: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n" * n,
    "unknown services": lambda n: (
        GROUP % ",".join(f"x{i}" for i in range(n)) + "".join(SERVICE % i for i in range(n))
    ),
    "a chain of fallbacks": chain,
    "lanes with unknown fallbacks": lambda n: (
        GROUP % "s0" + SERVICE % 0 + "".join(LANE % (i, "s0", f"x{i}") for i in range(n))
    ),
    "merge keys": lambda n: "a: &a {x: 1}\nb: {<<: [" + "*a," * n + "]}\n",
    "lanes with the same labels": lambda n: (
        GROUP % "s0" + SERVICE % 0 + "".join(LANE % (i, "s0", "") for i in range(n // 2))
    ),
    "a service listed again and again": lambda n: (
        GROUP % "s0" + SERVICE % 0 + WORKLOAD % 0 + LANE % (0, ",".join(["s0"] * n), "")
    ),
    "lanes with workloads of their own": lambda n: (
        GROUP % "s0"
        + SERVICE % 0
        + "".join(
            (WORKLOAD + LANE).replace("a: b", f"a: b{i}") % (i, i, "s0", "") for i in range(n // 2)
        )
    ),
    "anchors": lambda n: "".join(f"a{i}: &a{i} 1\n" for i in range(n)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", INPUTS)
def test_four_times_the_input_is_four_times_the_work(kind: str) -> None:
    text = INPUTS[kind]
    calls(text(10))  # what is imported and cached once
    once, four_times = calls(text(300)), calls(text(1200))
    assert four_times < 5 * once


@pytest.mark.parametrize("place", ["metadata: {name: %s}", "%s: 1", "kind: %s", "metadata: [%s]"])
def test_a_huge_word_is_quoted_in_part(place: str) -> None:
    word = "x" * 1_000_000
    for finding in findings(
        "apiVersion: v1\nkind: Service\n? " + place.replace(": ", "\n: ") % word
    ):
        assert len(str(finding)) < 3000


def test_what_a_terminal_would_obey_is_escaped() -> None:
    (finding,) = findings(
        'apiVersion: v1\nkind: Service\nmetadata: {name: "\\e]0;title\\a\\u202e"}\nspec: {}\n'
    )
    assert "\\x1b]0;title\\x07\\u202e" in finding.message
    assert str(finding).isprintable()


def test_duplicate_keys_end_the_file_at_the_limit() -> None:
    found = findings("---\na: 1\n" * 2 + "---\n" + "a: 1\n" * 5000)
    codes = [finding.code for finding in found]
    assert codes.count(Code.DUPLICATE_KEY) == MAX_DUPLICATES
    assert Code.TOO_MANY_ERRORS in codes


def test_errors_of_one_document_are_listed_up_to_the_limit() -> None:
    found = findings(PORTS + "  - {port: x}\n" * 5000)
    assert len(found) == problems.MOST + 1
    assert any("4,900 more errors" in finding.message for finding in found)


def test_reading_ends_when_there_are_too_many_errors() -> None:
    found = findings("apiVersion: v1\nkind: Servce\n---\n" * 5000)
    assert len(found) == MAX_ERRORS + 1
    assert [f.code for f in found].count(Code.TOO_MANY_ERRORS) == 1


def test_checks_between_objects_end_when_there_are_too_many_errors() -> None:
    found = findings(INPUTS["unknown services"](2 * MAX_ERRORS))
    assert len(found) == MAX_ERRORS + 1


def test_values_of_all_documents_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamls, "MAX_VALUES", 100)
    codes = [finding.code for finding in findings("---\n- 1\n" * 60)]
    assert Code.TOO_MANY_VALUES in codes
    assert Code.TOO_MANY_VALUES not in [f.code for f in findings("---\n- 1\n" * 40)]
    assert Code.TOO_MANY_VALUES in [f.code for f in findings("---\n" * 101)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_tag_directives_have_a_limit(ending: str) -> None:
    directives = "".join(f"%TAG !a{number}! x{ending}" for number in range(20_000))
    (finding,) = findings(f"{directives}---{ending}a: 1{ending}")
    assert finding.code is Code.UNKNOWN_TAG
    assert "more than 100" in finding.message
    few = "".join(f"%TAG !a{number}! x{ending}" for number in range(100))
    assert Code.UNKNOWN_TAG not in [f.code for f in findings(f"{few}---{ending}a: 1{ending}")]


def test_ports_are_compared_in_linear_time() -> None:
    """Comparisons are no calls, so that here it is the processor's time that is compared."""

    def seconds(number: int) -> float:
        ports = list(range(1, number))
        began = time.thread_time()
        assert list(repeated(ports, (), "port")) == []
        return time.thread_time() - began

    ratios = (seconds(24_000) / seconds(6_000) for _ in range(5))
    assert min(ratios) < 9


def test_suggestions_end_where_they_would_take_too_long() -> None:
    assert nearest("x" * 1_000_000, ["xx"]) is None
    assert nearest("mocka", ["mocka" * 1_000_000, "mockb"]) == "mockb"
    assert nearest("mocka", (f"mock{i}" for i in count())) is None
