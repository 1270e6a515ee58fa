"""Which host patterns cover which."""

from __future__ import annotations

import pytest

from laneway.model.hosts import host_covers


@pytest.mark.parametrize(
    ("pattern", "host", "covers"),
    [
        ("*", "a.example.com", True),
        ("*", "*.example.com", True),
        ("a.example.com", "a.example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "*.b.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", ".example.com", False),
        ("*.example.com", "*", False),
        ("*.b.example.com", "*.example.com", False),
        ("a.example.com", "*.example.com", False),
        ("a.example.com", "b.a.example.com", False),
    ],
)
def test_a_pattern_covers_a_host(pattern: str, host: str, covers: bool) -> None:
    assert host_covers(pattern, host) is covers
