"""What is shown of access logs: lanes, and no secrets."""

from __future__ import annotations

import json

import pytest

from laneway.apiserver.access_log_entries import (
    STATUS,
    Selection,
    header_problem,
    shown,
    shown_target,
)

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


def test_a_client_sends_no_commands_to_terminals() -> None:
    entry = {"request_id": "a\x9b2J\x1b[2J\x7f"}
    line = shown(json.dumps(entry, ensure_ascii=False))
    assert line == r'{"request_id":"a\u009b2J\u001b[2J\u007f"}'
    assert json.loads(line) == entry


def test_lines_are_of_the_lane_that_was_meant_and_of_the_one_that_served() -> None:
    assert shown(line(), Selection("s1")) == shown(line(), Selection("s2")) == shown(line())
    assert shown(line()) is not None
    assert shown(line(), Selection("s3")) is None


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


ENTRY = {
    "path": "/mock",
    "status": 200,
    "service": "default/mockb",
    "headers": {"x-user": "jill", "x-team": None},
}


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(service="mockb"), True),
        (Selection(service="default/mockb"), True),
        (Selection(service="mocka"), False),
        (Selection(statuses=["404", "2xx"]), True),
        (Selection(statuses=["5xx"]), False),
        (Selection(path="/mo"), True),
        (Selection(path="/other"), False),
    ],
)
def test_entries_are_selected(selection: Selection, taken: bool) -> None:
    assert selection.takes(ENTRY) is taken


def test_no_answer_is_selected_by_0() -> None:
    assert Selection(statuses=["0"]).takes({**ENTRY, "status": 0})
    assert not Selection(statuses=["0"]).takes(ENTRY)


@pytest.mark.parametrize("word", ["6xx", "20", "2x", "abc", "", "2000"])
def test_other_words_are_no_statuses(word: str) -> None:
    assert not STATUS.fullmatch(word)


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ([("x-user", "jill")], True),
        ([("x-user", "")], True),
        ([("x-user", "jack")], False),
        ([("x-team", "")], False),  # the request had none
        ([("x-user", "jill"), ("x-team", "a")], False),
        ([("x-other", "")], False),
    ],
)
def test_entries_are_selected_by_headers(headers: list[tuple[str, str]], taken: bool) -> None:
    assert Selection(headers=headers).takes(ENTRY) is taken


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("x-user", "jill", "jill"),
        ("x-user", None, None),
        ("x-user", f"jill {JWT}", "jill ***"),
        ("x-request-id", "4f9d8a7b6c5e4d3f2a1b0c9d8e7f6a5b", "4f9d8a7b6c5e4d3f2a1b0c9d8e7f6a5b"),
        ("x-user", "4f9d8a7b6c5e4d3f2a1b0c9d8e7f6aZZ", "***"),
        ("authorization", "Basic eDp5", "***"),
        ("x-csrf-token", "a", "***"),
    ],
)
def test_secrets_in_headers_are_hidden(name: str, value: object, expected: object) -> None:
    found = shown(line(headers={name: value}))
    assert found is not None
    assert json.loads(found)["headers"] == {name: expected}


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "cookie",
        "X-Api-Key",
        "x_auth_user",
        "x-amz-security-token",
        "x y",
        "",
        "a)%",
    ],
)
def test_headers_with_secrets_are_not_logged(name: str) -> None:
    assert header_problem(name)


@pytest.mark.parametrize("name", ["x-user", "traceparent", "X-Request-ID", "user-agent"])
def test_other_headers_may_be_logged(name: str) -> None:
    assert header_problem(name) == ""
