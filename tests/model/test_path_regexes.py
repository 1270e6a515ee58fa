"""Which regular expressions ask for a query in a path."""

from __future__ import annotations

import pytest

from laneway.model.checks.path_regexes import asks_for


@pytest.mark.parametrize(
    "regex",
    [
        r"/search\?q=.*",
        r"/search(\?.*)?",
        "/search[?]q=1",
        "/search[/?&].*",
        "/search[]?]",
        r"/search\x3fq",
        r"/search\x{3F}q",
        r"/search\Q?q=\E.*",
        r"/a\\\?b",
    ],
)
def test_a_query_that_is_asked_for(regex: str) -> None:
    assert asks_for(regex) == "?"


@pytest.mark.parametrize("regex", [r"/docs#top", r"/docs\#top", "/docs[#]top"])
def test_a_fragment_that_is_asked_for(regex: str) -> None:
    assert asks_for(regex) == "#"


@pytest.mark.parametrize(
    "regex",
    [
        "/search",
        "/searche?s?",
        "/a.*?b",
        "/(?i)search",
        "/(?:a|b)",
        "/(?P<name>a)",
        "/[^?]*",
        "/[^/?#]+/items",
        "/[[:alpha:]]+",
        r"/\d+?",
        r"/a\\?b",
        r"/\pN+",
        r"/\Qa.b\E",
    ],
)
def test_paths_without_one(regex: str) -> None:
    assert asks_for(regex) is None
