"""Ingress rules as people might write them: documents, most of which are wrong somewhere."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_ATOMS = [
    *("a", "é", ".", "x-1", "/", "|", "^", "$", "(", ")", "[", "]", "{", "}", "\\"),
    *(r"\d", r"\w", r"\pL", r"\PN", r"\C", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\1", r"(a)\1"),
    *("[a-z]", "[^/]", "[[:alpha:]]", "[]a]", r"[\d-]", r"\x41", r"\x{10FFFF}", r"\u0041"),
    *(r"\Q.*\E", "a{2}{3}", "a++", "(?i)", "(?s-i:.)", "(?=a)", "(?!a)", "(?<=a)", "(?#c)"),
    *("(?P<n>a)", "(?<n>a)", "(?P=n)", "\n", "\0", "\t", "\x7f", "😀"),
]
_REPEATS = ("*", "+", "?", "*?", "{2}", "{3,}", "{0,30}", "{30}", "{100}", "{999}", "{1001}")


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=30).map("|".join),
        st.tuples(inner, st.sampled_from(_REPEATS)).map(lambda pair: f"({pair[0]}){pair[1]}"),
    )


regexes = st.one_of(
    st.recursive(st.sampled_from(_ATOMS), _extend, max_leaves=12),
    st.builds(str.__mul__, st.sampled_from(_ATOMS), st.integers(1, 20_000)),
    st.text(max_size=12),
)
_texts = st.one_of(
    st.sampled_from(["a", "/", "/a?b", "é", "a\nb", "a\0b", "\x7f", "%", "*", "a" * 5000, ""]),
    st.text(max_size=8),
)


def _match(values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(
        regexes.map(lambda text: {"regex": text}),
        values.map(lambda text: {"exact": text}),
        values.map(lambda text: {"prefix": text}),
    )


_header_names = st.sampled_from(
    [
        "x-a",
        "Host",
        "host",
        ":path",
        ":authority",
        "content-length",
        "te",
        "x.a|b",
        "X" * 256,
        "Y" * 257,
    ]
)
_methods = st.sampled_from(["GET", "M-SEARCH", "A|B", "*", "^.+$", "A(", "A+", "X" * 3000, "get"])
_hosts = st.sampled_from(
    ["*", "*.a.test", "a.test", "A.test", "b.a.test", "a_b", "a.test.", "a:80", "*a", "é.test"]
)

_values = st.one_of(_texts, st.sampled_from(["%", "%" * 8192, "%REQ(x)%", "a" * 8193, "a b"]))
_times = st.sampled_from(["1ms", "0.5s", "5s", "1m30s", "87660h", "9" * 30 + "s", "0s", "-1s"])
_changed = st.one_of(_header_names, st.sampled_from(["x-b", "set-cookie", "x-envoy-retry-on"]))
_header_changes = st.fixed_dictionaries(
    {},
    optional={
        "set": st.dictionaries(_changed, _values, max_size=2),
        "add": st.dictionaries(_changed, _values, max_size=2),
        "remove": st.lists(_changed, max_size=2),
    },
)
_actions = st.fixed_dictionaries(
    {},
    optional={
        "timeout": _times,
        "rewrite": st.fixed_dictionaries(
            {}, optional={"uri": st.sampled_from(["/", "/v2", "/a/", "/%2e"]), "authority": _hosts}
        ),
        "retries": st.fixed_dictionaries(
            {"attempts": st.sampled_from([1, 100])},
            optional={
                "perTryTimeout": _times,
                "retryOn": st.sampled_from(["5xx", "503, reset", "cancelled", "never"]),
            },
        ),
        "headers": st.fixed_dictionaries(
            {}, optional={"request": _header_changes, "response": _header_changes}
        ),
    },
)

#: Of a lane group.
rules = st.fixed_dictionaries(
    {"name": st.just("r"), "destination": st.just("a")},
    optional={
        "hosts": st.lists(_hosts, min_size=1, max_size=3),
        "uri": _match(st.one_of(_texts, _texts.map(lambda text: f"/{text}"))),
        "headers": st.dictionaries(_header_names, _match(_texts), max_size=2),
        "methods": st.lists(_methods, max_size=8),
        "query": st.dictionaries(_texts, _match(_texts), max_size=2),
        "actions": _actions,
    },
)
stickies = st.one_of(
    st.none(),
    _texts.map(lambda text: {"cookie": text}),
    _header_names.map(lambda name: {"header": name}),
)

Rule = dict[str, Any]
