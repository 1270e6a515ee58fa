"""What queries and headers of requests and answers may hold."""

from __future__ import annotations

from laneway.adapters.http.queries import warning_header


def test_a_warning_has_no_character_that_a_header_cannot_have() -> None:
    """A warning quotes values that users wrote, and h11 refuses to send such a header."""
    odd = "".join(map(chr, range(256))) + "泳道"
    header = warning_header(f"a {odd} b")
    assert header.isascii()
    assert header.isprintable()
    assert warning_header('say "x"\r\nx-evil: 1') == '299 - "say \\"x\\" x-evil: 1"'
