"""What is shown of access logs: lanes, and no secrets."""

from __future__ import annotations

import json

import pytest

from laneway.apiserver.access_log_entries import shown, shown_target

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/mock", "/mock"),
        ("/a/b-1/v2/", "/a/b-1/v2/"),
        ("/a?page=2&sort=name", "/a?page=***&sort=***"),
        ("/a?token=s3cret", "/a?token=***"),
        ("/a?access_token=x&X-Amz-Signature=y", "/a?access_token=***&X-Amz-Signature=***"),
        ("/a?filter[]=x", "/a?filter[]=***"),
        ("/a?s3cret", "/a?***"),  # no name: all of it is a value
        ("/a?c2VjcmV0==", "/a?***"),
        ("/a?aGk0c2VjcmV0=x", "/a?***"),
        ("/a?b=x?token=y", "/a?b=***"),
        ("/a?", "/a?"),
        ("/a;jsessionid=1A2B/b", "/a;***/b"),
        (f"/reset/{JWT}/now", "/reset/***/now"),
        (f"/reset/{JWT.partition('.')[0]}.", "/reset/***"),
        ("/share/lw_AbC123-x", "/share/***"),
        ("/share/4f9d8a7b6c5e4d3f2a1b0c9d8e7f6a5b", "/share/***"),
        (
            "/orders/123e4567-e89b-12d3-a456-426614174000",
            "/orders/123e4567-e89b-12d3-a456-426614174000",
        ),
        ("/a-rather-long-name-of-a-page-of-words/x", "/a-rather-long-name-of-a-page-of-words/x"),
        ("*", "*"),
    ],
)
def test_secrets_in_targets_are_hidden(target: str, expected: str) -> None:
    assert shown_target(target) == expected


def line(**more: object) -> str:
    return json.dumps({"lane": "s2", "served": "s1", "path": "/", **more})


def test_lines_are_of_the_lane_that_was_meant_and_of_the_one_that_served() -> None:
    assert shown(line(), "s1") == shown(line(), "s2") == shown(line()) != None  # noqa: E711
    assert shown(line(), "s3") is None


def test_passwords_of_authorities_are_hidden() -> None:
    text = shown(line(authority="me:pass@shop.test", path="/?a=b", status=200))
    assert json.loads(text or "") == {
        "lane": "s2",
        "served": "s1",
        "path": "/?a=***",
        "authority": "shop.test",
        "status": 200,
    }


@pytest.mark.parametrize("text", ["", '{"path": "/?token=', "[1]", "\x00"])
def test_what_is_not_a_whole_entry_is_left_out(text: str) -> None:
    assert shown(text) is None
