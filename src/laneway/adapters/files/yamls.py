"""YAML text -> documents: plain data, with the line of every value kept for findings.

Composed from libyaml's events rather than by PyYAML's composer, for three reasons: nesting is
bounded (the composer recurses in C and crashes the process on deep input), so is what aliases
expand to, and scalars are read as Kubernetes reads them (no dates, no base-60 numbers).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import yaml
from yaml import events

from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Source
from laneway.schema import Document
from laneway.schema.templates import instead_of_syntax

MAX_DEPTH = 100
#: Values in one file, aliases expanded; an empty document counts as one. A file of 8 MiB in which
#: every second character is a value would take a minute to read.
MAX_VALUES = 500_000
#: Keys set twice in one document, after which the file is read no further.
MAX_DUPLICATES = 100

#: libyaml compares each of these directives with all before it, and lets no other thread run
#: meanwhile. They have no use in what laneway reads.
MAX_TAG_DIRECTIVES = 100
_TAG_DIRECTIVE = re.compile(r"(?:^|[\r\n\x85\u2028\u2029])%TAG")

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **{form(w): True for w in ("true", "yes", "on") for form in (str, str.title, str.upper)},
    **{form(w): False for w in ("false", "no", "off") for form in (str, str.title, str.upper)},
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30}|0x[0-9a-fA-F]{1,30}|0o?[0-7]{1,30})")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.nan"
)
_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}


class Rejected(Exception):
    """The text cannot be read any further."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class _Node:
    """A value, the line it begins at, and its parts' nodes by key or index."""

    value: Any
    line: int
    size: int = 1
    parts: dict[Any, _Node] = field(default_factory=dict)
    #: The lines of the keys, which say more than those of the values.
    lines: dict[Any, int] = field(default_factory=dict)

    def find(self, path: Path) -> int:
        node, line = self, self.line
        for part in path:
            if part not in node.parts:
                break
            line = node.lines.get(part, node.parts[part].line)
            node = node.parts[part]
        return line


def documents(file: str, text: str) -> Iterator[Document | Finding]:
    """The file's documents, and what is wrong with its YAML; empty documents are passed over.

    A syntax error ends the file: the documents before it stand.
    """
    number, values = 1, 0
    findings: list[Finding] = []
    try:
        _limit_tag_directives(file, text)
        loader = _Loader(text)
        try:
            while not loader.check_event(events.StreamEndEvent):
                event = loader.get_event()
                if not isinstance(event, events.DocumentStartEvent):
                    continue
                findings = []
                composer = _Composer(loader.get_event, Source(file, number), findings, values)
                node = composer.compose()
                values = composer.values
                yield from findings
                findings = []
                if node.value is not None:
                    source = Source(file, number, node.line)
                    yield Document(node.value, source, node.find)
                number += 1
        finally:
            loader.dispose()
    except Rejected as rejected:
        yield from findings
        yield instead_of_syntax(rejected.finding, text)
    except yaml.YAMLError as error:
        yield from findings
        yield instead_of_syntax(_syntax(error, text, Source(file, number)), text)


def _limit_tag_directives(file: str, text: str) -> None:
    found = islice(_TAG_DIRECTIVE.finditer(text), MAX_TAG_DIRECTIVES, None)
    if next(found, None):
        message = f"there are more than {MAX_TAG_DIRECTIVES} directives %TAG"
        source = Source(file, None)
        raise Rejected(Finding(Code.UNKNOWN_TAG, message, "remove them", source=source))


@dataclass(slots=True)
class _Composer:
    """Composes one document from its events. ``values`` were in the file's documents before it."""

    next: Callable[[], Any]
    source: Source
    findings: list[Finding]
    values: int
    anchors: dict[str, _Node | None] = field(default_factory=dict)

    def compose(self) -> _Node:
        return self._node(self.next(), 0)

    def _node(self, event: Any, depth: int) -> _Node:
        line = event.start_mark.line + 1
        if isinstance(event, events.AliasEvent):
            return self._alias(str(event.anchor), line)
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # until it is complete
        if isinstance(event, events.ScalarEvent):
            node = _Node(self._scalar(event, line), line)
        elif depth >= MAX_DEPTH:
            message = f"values are nested more than {MAX_DEPTH} deep"
            raise self._rejected(Code.TOO_DEEP, message, "nothing that laneway reads is", line)
        elif isinstance(event, events.SequenceStartEvent):
            node = self._sequence(line, depth)
        else:
            node = self._mapping(line, depth)
        self._count(1, line)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _sequence(self, line: int, depth: int) -> _Node:
        node = _Node([], line)
        while not isinstance(event := self.next(), events.SequenceEndEvent):
            part = self._node(event, depth + 1)
            node.parts[len(node.value)] = part
            node.value.append(part.value)
            node.size += part.size
        return node

    def _mapping(self, line: int, depth: int) -> _Node:
        node, merged = _Node({}, line), list[_Node]()
        while not isinstance(event := self.next(), events.MappingEndEvent):
            at = event.start_mark.line + 1
            merge = isinstance(event, events.ScalarEvent) and event.value == "<<"
            merge = merge and event.implicit[0]
            key = self._node(event, depth + 1).value
            part = self._node(self.next(), depth + 1)
            node.size += part.size + 1
            if merge:
                merged.extend(self._merged(part, at))
                continue
            if not isinstance(key, Hashable):
                raise self._rejected(
                    Code.INVALID_YAML,
                    "a mapping or a list stands where a field's name should",
                    "quote a value that begins with { or [",
                    at,
                )
            if key in node.lines:
                self._duplicate(key, node.lines[key], at)
                continue
            node.value[key], node.parts[key], node.lines[key] = part.value, part, at
        for source in merged:
            for key, part in source.parts.items():
                if key not in node.parts:
                    node.value[key], node.parts[key] = part.value, part
        return node

    def _merged(self, part: _Node, line: int) -> Iterator[_Node]:
        sources = list(part.parts.values()) if isinstance(part.value, list) else [part]
        for source in sources:
            if not isinstance(source.value, dict):
                message = "`<<` merges mappings only"
                raise self._rejected(Code.INVALID_YAML, message, "write <<: *anchor", line)
            yield source

    def _alias(self, anchor: str, line: int) -> _Node:
        if anchor not in self.anchors:
            message, fix = (
                f"no anchor `&{anchor}` precedes `*{anchor}`",
                "quote the value if * is text",
            )
            raise self._rejected(Code.INVALID_YAML, message, fix, line)
        node = self.anchors[anchor]
        if node is None:
            message = f"the alias `*{anchor}` stands inside what it repeats"
            raise self._rejected(Code.ALIAS_LOOP, message, "write the value out", line)
        self._count(node.size, line)
        return node

    def _scalar(self, event: Any, line: int) -> object:
        text: str = event.value
        if event.tag == "!":
            return text
        if event.tag is not None:
            if event.tag not in _TAGS:
                tag = event.tag.replace("tag:yaml.org,2002:", "!!")
                message = f"the tag `{tag}` means nothing here"
                raise self._rejected(Code.UNKNOWN_TAG, message, "remove it", line)
            return text if event.tag.endswith(":str") else plain(text)
        return plain(text) if event.implicit[0] else text

    def _count(self, values: int, line: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            message = f"the file holds more than {MAX_VALUES:,} values, its aliases expanded"
            raise self._rejected(Code.TOO_MANY_VALUES, message, "split it", line)

    def _duplicate(self, key: object, first: int, line: int) -> None:
        source = Source(self.source.file, self.source.document, line)
        message = f"`{key}` is set twice: first at line {first}"
        # As of two files that were put together: `cat lanes.yaml workloads.yaml`.
        fix = "keep one, or put --- between two objects" if key == "apiVersion" else "keep one"
        self.findings.append(Finding(Code.DUPLICATE_KEY, message, fix, source=source))
        if len(self.findings) == MAX_DUPLICATES:
            message = f"{MAX_DUPLICATES} keys are set twice by now: the file is read no further"
            raise self._rejected(Code.TOO_MANY_ERRORS, message, "mend these first", line)

    def _rejected(self, code: Code, message: str, fix: str, line: int) -> Rejected:
        source = Source(self.source.file, self.source.document, line)
        return Rejected(Finding(code, message, fix, source=source))


def plain(text: str) -> object:
    """An unquoted scalar, as YAML 1.1 has it and Kubernetes reads it."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        digits = text.lstrip("+-")
        octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"
        return int(text, 8) if octal else int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return text if math.isinf(number) and text[-1].isdigit() else number
    return text


def _syntax(error: yaml.YAMLError, text: str, source: Source) -> Finding:
    """libyaml's own words, with what people most often did to get them."""
    if isinstance(error, yaml.reader.ReaderError):
        return _character(error, text, source)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    message = ": ".join(part for part in parts if part) or str(error)
    fix = ""
    if mark is None:
        return Finding(Code.INVALID_YAML, message, source=source)
    if "\t" in _indentation(text, mark.line):
        message, fix = "a tab stands where YAML wants spaces", "indent with spaces"
    elif "mapping values are not allowed" in message:
        fix = "quote text that holds `: `, and check the indentation"
    elif "did not find expected key" in message:
        fix = "check the indentation: fields of one mapping begin at one column"
    message = f"{message} (column {mark.column + 1})"
    return Finding(Code.INVALID_YAML, message, fix, source=replace(source, line=mark.line + 1))


def _character(error: yaml.reader.ReaderError, text: str, source: Source) -> Finding:
    character = error.character if isinstance(error.character, int) else ord(error.character)
    message = f"the character U+{character:04X} is not allowed in YAML"
    line = text.encode().count(b"\n", 0, error.position) + 1
    fix = 'in "double quotes" write it as an escape, or remove it'
    return Finding(Code.INVALID_YAML, message, fix, source=replace(source, line=line))


def _indentation(text: str, number: int) -> str:
    lines = text.split("\n")
    line = lines[number] if number < len(lines) else ""
    return line[: len(line) - len(line.lstrip())]


def one_document(text: str) -> Any:
    """The plain data of a text with one document, such as a request has.

    Raises ``ValueError`` with what is wrong.
    """
    found = list(documents("body", text))
    for each in found:
        if isinstance(each, Finding):
            line = each.source.line if each.source else None
            raise ValueError(f"line {line}: {each.message}" if line else each.message)
    if len(found) != 1:
        raise ValueError(f"expected one YAML document, got {len(found)}")
    assert isinstance(found[0], Document)
    return found[0].data
