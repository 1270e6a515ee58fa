"""Regular expressions as proxies have them."""

from __future__ import annotations

import pytest

from laneway.model.regexes import (
    MOST_PROGRAM_SIZE,
    PROXY_PROGRAM_SIZE,
    fault,
    matches_whole,
    one_of,
)


@pytest.mark.parametrize(
    "regex", ["", "/a.*", r"\pL\z", r"\C", "(?i)a|b", "é", r"\Q*\E", "[[:alpha:]]"]
)
def test_re2_syntax_has_no_fault(regex: str) -> None:
    assert fault(regex) == ""


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("(", "missing )"),
        ("(?=a)", "(?="),
        (r"(a)\1", r"\1"),
        ("a{1001}", "invalid repetition size"),
        ("(((a{30}){30}){30}){30}", "invalid repetition size"),
        (r"\x{100}", "invalid escape sequence"),
        (r"\Z", r"\Z"),
        ("\ud800", "no Unicode text"),
        ("a" * MOST_PROGRAM_SIZE, f"at most {MOST_PROGRAM_SIZE:,}"),
    ],
)
def test_a_fault_says_what_is_wrong(regex: str, said: str) -> None:
    assert said in fault(regex)


def test_what_a_mesh_may_ask_for_is_well_within_what_proxies_take() -> None:
    assert 2 * MOST_PROGRAM_SIZE <= PROXY_PROGRAM_SIZE


@pytest.mark.parametrize(
    ("regex", "text", "matched"),
    [
        ("a|ab", "ab", True),
        ("a", "ab", False),
        ("a", "a\n", False),
        ("a$", "a\n", False),
        (".", "\n", False),
        (".", "é", False),  # two bytes
        ("..", "é", True),
        (r"\pL", "a", True),
        (r"\d", "٣", False),
        (".", "\udcff", True),  # a byte that is no text
    ],
)
def test_the_whole_text_must_match_as_envoy_has_it(regex: str, text: str, matched: bool) -> None:
    assert matches_whole(regex, text) is matched


def test_one_of_matches_the_texts_and_nothing_else() -> None:
    texts = ["GET", "A.B", "X|Y", "*", "^.+$"]
    regex = one_of(texts)
    assert fault(regex) == ""
    assert all(matches_whole(regex, text) for text in texts)
    assert not any(matches_whole(regex, text) for text in ("A-B", "X", "Y", "GETX", "", "aa"))
