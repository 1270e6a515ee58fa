"""Plain documents -> YAML text, fast.

``render`` prints documents of millions of nodes, for which PyYAML takes 6 times as long with its
emitter in C and 30 times with the one in Python (measured). This one knows only what the documents
hold (JSON's kinds of values) and only block style. What it writes reads back equal, by YAML 1.1's
rules and by 1.2's: any text that some reader might take for another type is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

# Unquoted text starts with a letter, "_", "/" or "$", so that it is no number, date or sign of
# YAML's; ":" only inside a word, since before a space it would end a key.
_PLAIN = re.compile(r"[A-Za-z_/$](?:[\w./$()-]|:(?=[\w./$()-]))*", re.ASCII)
_WORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null"])
# What PyYAML's reader accepts, less line breaks, tabs and the byte order mark.
_PRINTABLE = "\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_QUOTABLE = re.compile(f"[{_PRINTABLE}]*")
_TO_ESCAPE = re.compile(f'["\\\\]|[^{_PRINTABLE}]')
_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}
#: A key that its line does not introduce within 1,024 characters is no key to YAML.
_KEY_LIMIT = 1000


def dump_all(documents: Iterable[dict[str, Any]]) -> str:
    """One multi-document text, ``---`` between documents."""
    return "".join(dump_each(documents))


def dump_each(documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The parts of ``dump_all``, one a document, for texts that are better not held whole."""
    separator = ""
    for document in documents:
        lines = [separator]
        _block(document, "", lines, "")
        yield "".join(lines)
        separator = "---\n"


def _block(value: Any, pad: str, lines: list[str], lead: str) -> None:
    """``value``'s lines: ``lead`` (``  - `` in a list) starts the first, ``pad`` the others."""
    inner = pad + "  "
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if isinstance(item, str):  # most are; a call saved for each counts
                lines.append(f"{lead}{_key(key, pad)} {_text(item)}\n")
            elif isinstance(item, dict | list) and item:
                lines.append(f"{lead}{_key(key, pad)}\n")
                _block(item, inner, lines, inner)
            else:
                lines.append(f"{lead}{_key(key, pad)} {_scalar(item)}\n")
            lead = pad
    elif isinstance(value, list) and value:
        for item in value:
            _block(item, inner, lines, lead + "- ")
            lead = pad
    else:
        lines.append(f"{lead}{_scalar(value)}\n")


@lru_cache(maxsize=1 << 14)
def _key(key: str, pad: str) -> str:
    text = _text(key)
    return f"{text}:" if len(text) < _KEY_LIMIT else f"? {text}\n{pad}:"


def _scalar(value: Any) -> str:
    match value:
        case str():
            return _text(value)
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case {} | []:
            return "{}" if isinstance(value, dict) else "[]"
    raise TypeError(f"a document holds no {type(value).__name__}: {value!r}")


def _float(value: float) -> str:
    text = repr(value)
    if text.lstrip("-") in ("inf", "nan"):
        return text.replace("inf", ".inf").replace("nan", ".nan")
    # YAML 1.1 wants a point before the exponent.
    return text if "." in text else text.replace("e", ".0e")


@lru_cache(maxsize=1 << 16)
def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if _QUOTABLE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + _TO_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    width = "x" if code < 0x100 else "u" if code < 0x10000 else "U"
    digits = {"x": 2, "u": 4, "U": 8}[width]
    return _ESCAPES.get(character) or f"\\{width}{code:0{digits}x}"
