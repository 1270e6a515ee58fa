"""Regular expressions on paths that ask for a query, which no path has: it is matched without."""

from __future__ import annotations

import re
from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.matches import MatchKind
from laneway.model.meshes import Mesh

#: One element of RE2's syntax: quoted text, an escape, a class, or a character.
_ELEMENT = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)"
    r"|\\(?P<code>x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\})"
    r"|\\(?P<escaped>.)"
    r"|\[(?P<negated>\^?)(?P<members>\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]])*)\]"
    r"|(?P<plain>.)",
    re.DOTALL,
)
_NOT_IN_A_PATH = frozenset("?#")


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    del gaps  # a rule that was read says so itself
    checked: set[int] = set()  # lanes share the rules of their group
    for lane in mesh.lanes:
        for index, rule in enumerate(lane.ingress):
            uri = rule.uri
            if uri is None or uri.kind is not MatchKind.REGEX or id(rule) in checked:
                continue
            checked.add(id(rule))
            if character := asks_for(uri.value):
                yield Finding(
                    Code.QUERY_IN_PATH_REGEX,
                    f"rule {rule.name} requires a `{character}` in the path, which is matched "
                    "without its query: no request has one there",
                    "remove that part of the regular expression, and write conditions on the "
                    "query in `query`",
                    key_of(lane),
                    ("spec", "ingress", index, "uri", "regex"),
                    Severity.WARNING,
                )


def asks_for(regex: str) -> str | None:
    """The character in a regular expression that begins a query, or a fragment."""
    for element in _ELEMENT.finditer(regex):
        found = _NOT_IN_A_PATH & set(_literals(element))
        if found:
            return min(found)
    return None


def _literals(element: re.Match[str]) -> str:
    """The characters that an element stands for, as far as they are written out."""
    if code := element["code"]:
        number = int(code.strip("x{}"), 16)
        return chr(number) if number <= 0x10FFFF else ""
    if element["members"] is not None:
        return "" if element["negated"] else element["members"]
    if element["plain"] is not None:
        return element["plain"].replace("?", "")  # a repetition, or of a group
    return element["quoted"] or element["escaped"] or ""
