"""Paths as gateways match them. Every row was asked of a real Envoy; the replay asks again."""

from __future__ import annotations

import pytest

from laneway.compile.simulate.path_normalization import split_target


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/mock?a/../b", "/mock"),
        ("/MOCK/", "/MOCK/"),
        ("/a/../mock", "/mock"),
        ("/../mock", "/mock"),
        ("/mock/.", "/mock/"),
        ("/mock/..", "/"),
        ("/mock/x/../..//y", "//y"),
        ("/m///..//x", "/m///x"),
        ("/m//../x", "/m/x"),
        ("//mock", "//mock"),
        ("/%6dock", "/mock"),
        ("/a/%2E%2e/mock", "/mock"),
        ("/mock%2fx", "/mock%2fx"),
        ("/mock\\x", "/mock/x"),
        ("/mock%5cx", "/mock%5cx"),
        ("/mock/%41%5a%20%7e%2D%3A%5f", "/mock/AZ%20~-%3A_"),
        ("/mock/%c3%a9%25%3f", "/mock/%c3%a9%25%3f"),
        ("/mock/%/%zz", "/mock/%/%zz"),
        ('/"<>^`{|}[];', "/%22%3C%3E%5E%60%7B%7C%7D[];"),
        ("/mock;v=1", "/mock;v=1"),
        ("/m/..;a/x", "/x"),
        ("/m/.;b/x", "/m/x"),
        ("/m/..;", "/"),
        ("/m/...;/x", "/m/...;/x"),
        ("/m/.x/..y", "/m/.x/..y"),
    ],
)
def test_paths_are_normalized(target: str, path: str) -> None:
    assert split_target(target) == (path, target.partition("?")[2])


@pytest.mark.parametrize(
    "target", ["", "mock", "*", "/mock#x", "/?q#x", "/a b", "/mock/%00", "/é", "/\x7f"]
)
def test_what_envoy_refuses_is_no_path(target: str) -> None:
    assert split_target(target) is None


def test_every_other_escape_stays() -> None:
    """Letters, digits and ``-._~`` are the unreserved characters of RFC 3986."""
    decoded = {
        chr(code)
        for code in range(1, 128)
        if split_target(f"/m%{code:02x}x") == (f"/m{chr(code)}x", "")
    }
    assert "".join(sorted(decoded)) == (
        "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
    )
