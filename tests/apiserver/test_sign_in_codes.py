"""A code signs in once, and for minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from laneway.apiserver.sign_in_codes import CODE_LIFE, SignInCodes

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_code_is_good_once() -> None:
    codes = SignInCodes()
    code = codes.issue(bytes(32), NOW)
    assert codes.use(code, NOW)
    assert not codes.use(code, NOW)


def test_a_code_is_good_for_minutes() -> None:
    codes = SignInCodes()
    late, early = codes.issue(bytes(32), NOW), codes.issue(bytes([1] * 32), NOW)
    assert codes.use(early, NOW + CODE_LIFE - timedelta(seconds=1))
    assert not codes.use(late, NOW + CODE_LIFE)


def test_what_was_never_given_out_is_no_code() -> None:
    codes = SignInCodes()
    code = codes.issue(bytes(32), NOW)
    for other in ("", code[:-1], code + "=", code.lower(), "\ud800"):
        assert not codes.use(other, NOW), other
    assert codes.use(code, NOW), "a wrong one does not use it up"


def test_codes_that_nobody_uses_do_not_pile_up() -> None:
    codes = SignInCodes()
    first = codes.issue(bytes(32), NOW)
    for number in range(1, 200):
        last = codes.issue(number.to_bytes(32, "big"), NOW)
    assert not codes.use(first, NOW)
    assert codes.use(last, NOW)
