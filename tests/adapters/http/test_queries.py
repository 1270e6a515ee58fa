"""What queries and headers of requests and answers may hold."""

from __future__ import annotations

from starlette.responses import Response

from laneway.adapters.http.queries import MOST_WARNINGS, add_warnings, warning_header


def test_a_warning_has_no_character_that_a_header_cannot_have() -> None:
    """A warning quotes values that users wrote, and h11 refuses to send such a header."""
    odd = "".join(map(chr, range(256))) + "泳道"
    header = warning_header(f"a {odd} b")
    assert header.isascii()
    assert header.isprintable()
    assert warning_header('say "x"\r\nx-evil: 1') == '299 - "say \\"x\\" x-evil: 1"'


def test_an_answer_has_as_many_warnings_as_clients_read() -> None:
    response = Response()
    add_warnings(response, [f"warning {number}" for number in range(MOST_WARNINGS + 150)])
    found = response.headers.getlist("warning")
    assert len(found) == MOST_WARNINGS + 1
    assert found[-1] == '299 - "150 more warnings are not shown"'
