"""Reads a regex (RE2's syntax) for its stems, and for samples of what it matches.

Python's own parser of regexes is private. This one treats unknown syntax as vague. Samples are
checked with the regex itself afterwards, so a wrong guess does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from laneway.compile.analyze.match_prefixes import (
    ANY,
    EMPTY,
    Piece,
    either,
    joined,
    literals,
    repeated,
    vague,
)

_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORDS = _DIGITS + _LETTERS + _LETTERS.upper() + "_"
_CLASSES = {"d": _DIGITS, "w": _WORDS, "s": " \t"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class _UnknownError(Exception):
    """Syntax that this reader does not know."""


def read_regex(text: str) -> Piece:
    """Never raises. A regex that cannot be read may match anything.

    So may one with characters beyond ASCII, because Envoy matches their bytes, not characters.
    """
    if not text.isascii():
        return ANY
    try:
        reader = _Reader(text)
        piece = reader.alternatives()
        if reader.position < len(text):
            raise _UnknownError
    except (_UnknownError, IndexError, ValueError, RecursionError):
        return ANY
    return piece if reader.sure else vague(piece)


@dataclass(slots=True)
class _Reader:
    text: str
    position: int = 0
    sure: bool = True

    def alternatives(self) -> Piece:
        piece = self._sequence()
        while self._take("|"):
            piece = either(piece, self._sequence())
        return piece

    def _sequence(self) -> Piece:
        piece = EMPTY
        while self._peek() not in ("", "|", ")"):
            piece = joined(piece, self._repetition())
        return piece

    def _repetition(self) -> Piece:
        piece = self._atom()
        while (sign := self._peek()) and sign in "*+?{":
            least, most = self._bounds()
            piece = repeated(piece, least, most)
            self._take("?")  # laziness makes no difference to a full match
        return piece

    def _bounds(self) -> tuple[int, int | None]:
        sign = self._next()
        if sign != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        end = self.text.index("}", self.position)
        least, comma, most = self.text[self.position : end].partition(",")
        self.position = end + 1
        return int(least), int(most) if most else None if comma else int(least)

    def _atom(self) -> Piece:
        character = self._next()
        readers: dict[str, Callable[[], Piece]] = {
            "(": self._group, "[": self._class, "\\": self._escape,
        }  # fmt: skip
        if character in readers:
            return readers[character]()
        if character == ".":
            return ANY
        if character in "^$":
            self.sure = False
            return EMPTY
        if character in "*+?{":
            raise _UnknownError
        return literals(character)

    def _group(self) -> Piece:
        if self._take("?"):
            if self._take("P<") or self._take("<"):
                self.position = self.text.index(">", self.position) + 1
            elif not self._take(":"):
                return self._flags()
        piece = self.alternatives()
        if not self._take(")"):
            raise _UnknownError
        return piece

    def _flags(self) -> Piece:
        """Flags of the whole regex, such as ``(?i)``."""
        self.position = self.text.index(")", self.position) + 1
        self.sure = False
        return EMPTY

    def _class(self) -> Piece:
        negated = self._take("^")
        characters = ""
        first = True
        while first or self._peek() != "]":
            first = False
            one = self._member()
            if len(one) == 1 and self._peek() == "-" and self.text[self.position + 1] != "]":
                self.position += 1
                last = self._member()
                one = "".join(map(chr, range(ord(one), ord(last) + 1)))
            characters += one
        self.position += 1
        if not negated:
            return literals(characters)
        others = [other for other in _WORDS + "-/." if other not in characters]
        return Piece(ANY.stems, False, tuple(others[:2] + others[-2:]))

    def _member(self) -> str:
        character = self._next()
        if character == "[" and self._peek() == ":":
            raise _UnknownError
        return self._escaped() if character == "\\" else character

    def _escape(self) -> Piece:
        if self._peek() in "AzZbB":
            self.position += 1
            self.sure = False
            return EMPTY
        if self._peek() in "DWS":
            taken = _CLASSES[self._next().lower()]
            return Piece(ANY.stems, False, tuple(o for o in "x-0/" if o not in taken))
        return literals(self._escaped())

    def _escaped(self) -> str:
        character = self._next()
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise _UnknownError  # numbers of characters, classes of Unicode, \Q...\E
        return character

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _next(self) -> str:
        self.position += 1
        return self.text[self.position - 1]

    def _take(self, text: str) -> bool:
        if self.text.startswith(text, self.position):
            self.position += len(text)
            return True
        return False
