"""The values that shapes accept and refuse."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from laneway.schema import asm_vocabulary, fields, istio, lane_sources, request_matches


def is_valid(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (fields.Name, ["a", "s2", "a-b", "x" * 63], ["", "A", "-a", "a-", "a.b", "x" * 64, 1]),
        (fields.Subdomain, ["a", "a.b"], ["", "a..b", "A.b"]),
        (fields.HeaderName, ["x-lane", "X_Y", "host"], ["", "x y", ":path", "x:", "é"]),
        (
            fields.EndToEndHeader,
            ["x-lane", "baggage"],
            [
                "Host",
                "content-length",
                "TE",
                "connection",
                "Keep-Alive",
                "upgrade",
                ":authority",
                "X-Laneway-Lane",
            ],
        ),
        (fields.Port, [1, 65535], [0, -1, 65536, "80", 80.0, True, None]),
        (fields.ListenPort, [0, 65535], [-1, 65536, "0"]),
        (fields.PortReference, [80, "http"], [0, "80", "HTTP", "", 1.5, True, None]),
        (
            fields.Host,
            ["*", "*.a.test", "a.test", "A.test", "localhost", "10.0.0.1", "a_b.test"],
            ["", "a.*", "**", "http://a", "a:80", "a/b", ".a", "a.", "*a.test"],
        ),
        (
            istio.ServedHost,
            ["*", "*.a.test", "shop/a.test", "shop/*", "./*.a.test", "*/a.test", "A.test"],
            [
                "",
                "shop/",
                "/a.test",
                "a/b/c",
                "~/a.test",
                "Shop/a.test",
                "**",
                "shop/a:80",
                "http://a",
            ],
        ),
        (
            lane_sources.LaneHeader,
            ["x-lane", "X-Version", "x-b3-lane"],
            [
                "Cookie",
                "Referer",
                "origin",
                "Accept-Language",
                "if-none-match",
                "range",
                "b3",
                "sw8",
                "X-Cloud-Trace-Context",
                "x-forwarded-host",
            ],
        ),
        (
            fields.Selector,
            [{"app": "a"}, {"k8s.io/app": "A_1.2"}, {"ASM_TRAFFIC_TAG": ""}],
            [{}, {"a b": "c"}, {"a": "b c"}, {"a": "-"}, {"a": 1}, {"": "a"}, {"a": "x" * 64}],
        ),
        (
            request_matches.UriMatch,
            [
                {"exact": "/"},
                {"prefix": "/a"},
                *({"regex": text} for text in ("/a.*", r"/\(?=[?*+]", r"/\pL+\z", r"/\Qa*\E", "é")),
            ],
            [
                {},
                {"exact": ""},
                {"exact": "a"},
                {"prefix": "/a?b"},
                {"prefix": "/a#b"},
                {"exact": "/a", "regex": "/a"},
                {"regex": "("},
                {"regex": "/(?=a)"},
                {"regex": "/(?<!a)b"},
                {"regex": r"/(a)\1"},
                {"regex": "/a++"},
                {"regex": "/(?P<x>a)(?P=x)"},
                {"regex": "(((a{30}){30}){30}){30}"},
                {"regex": "/a{1001}"},
                {"regex": "/" + "[a-c]?" * 20_000},
                {"exact": "/a\r\nb"},
                {"exact": "/a\0"},
                {"exact": 1},
            ],
        ),
        (
            request_matches.Query,
            [{"q": {"exact": "1"}}],
            [{"": {"exact": "1"}}, {"é" * 513: {"exact": "1"}}],
        ),
        (
            request_matches.Headers,
            [{"x-a": {"exact": "1"}, "x-b": {"exact": "1"}}],
            [{"x-a": {"exact": "1"}, "X-A": {"exact": "2"}}],
        ),
        (
            asm_vocabulary.RequestMatch,
            [{"headers": {"x-a": {"exact": "1"}, "x-b": {}}}],
            [{"headers": {"x-a": {"exact": "1"}, "X-A": {}}}],
        ),
        (fields.Cookie, ["user", "a.b-c"], ["", "a b", "a;b", "a=b", "a\nb", "é"]),
        (
            fields.Methods,
            [[], ["GET", "M-SEARCH"], ["A.B"] * 100],
            [["G T"], ["A\n"], ["CONNECT"], [chr(65 + n) * 1000 for n in range(20)]],
        ),
    ],
)
def test_values(kind: Any, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if not is_valid(kind, value)] == []
    assert [value for value in bad if is_valid(kind, value)] == []


def test_shapes_are_compiled_when_they_are_first_used() -> None:
    """To compile those of all kinds takes as long as to import everything that a command needs."""
    program = (
        "from laneway.schema.registry import KINDS; import laneway.schema.decoding; "
        "print([kind.name for kind in KINDS if kind.shape.__pydantic_complete__])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
